// Package endtoend runs the built tidemark binary against a real Kafka and a
// real Redis, and reads back what it has left there: heads and rows in Redis,
// alerts and notes as a read_committed reader sees them. Its tests, the crash
// driver (internal/crash) and `make try` (internal/try) share it.
//
// What is expected comes from internal/oracle, or is worked out by hand.
package endtoend
