// Package testserver runs real servers for tests, the crash driver, `make try`
// and the benchmarks: Apache Kafka from a folder of jars, Redis and a Redis
// Cluster from the redis-server on the PATH. Each server listens on 127.0.0.1
// alone, on ports found at its first start and kept for its life, so that a
// client sees the same address after a kill and a restart.
//
// The functions called Run… need no test and return errors; those called Start…
// take a testing.TB, fail the test with the tail of the server's log, and stop
// the server at its end. No server outlives the operating system's process that
// started it, however that one ends: on Linux the kernel kills it.
package testserver
