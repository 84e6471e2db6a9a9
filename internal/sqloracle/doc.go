// Package sqloracle computes the KPIs by their definitions, in SQL over DuckDB:
// sets of facts, day by day, with nothing kept from one day to the next. It is a
// second implementation that shares no code with the aggregator, the registry
// of KPIs or the oracle in Go, not even the decoder of events: DuckDB reads the
// JSON, the decimals and the time zone by itself. Tests hold the aggregator's
// figures against it.
//
// sql/ has a file for each family of KPIs, with the definition of kpis.md quoted
// and, where that leaves something open, the decision. The files 00 to 04 make
// the tables that the others read.
//
// A case takes some tenths of a second, so make test tries few. To try more:
//
//	go test -run 'TestEqualsSQL|TestTheOraclesAgree' -rapid.checks=500
//
// Nothing folds or freezes here: the oracle sees all of history, and segments are
// those of the latest attributes on every day. What was late when it was read
// must be left out by the caller.
package sqloracle
