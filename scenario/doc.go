// Package scenario is a language for histories with expectations: events at
// their times, time that passes, and what figures, customers and alerts must be
// then. docs/scenarios.md explains it. A scenario runs through the decoder and
// the aggregator that a service has, in this process.
package scenario
