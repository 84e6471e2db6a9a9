// Package bounded shows that a running `tidemark serve` stays within its memory
// whatever its input is: many more users than its cache holds, one customer with
// very many, messages as large as a topic takes, a log that is far ahead. It
// holds nothing but tests; broker and Redis are embedded in the test's own
// process, so that the resident memory that is measured is the service's alone.
//
// The full size, one test at a time:
//
//	go test -tags servers ./internal/bounded -run 'TestManyUsers$' -users 1000000 -cache 64 -v
//	go test ./internal/bounded -run TestFarBehind -behind 10000000 -v
package bounded
