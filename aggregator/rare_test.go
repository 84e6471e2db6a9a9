package aggregator

import (
	"fmt"
	"os"
	"reflect"
	"testing"
)

// TestMain: all customers and money events without a rare part share one, and no
// test may have found a way to write to it.
func TestMain(m *testing.M) {
	code := m.Run()
	if !reflect.DeepEqual(noRare, rare{base: &noBase}) || !reflect.DeepEqual(noBase, base{}) || noMoneyRare != (moneyRare{}) {
		fmt.Fprintf(os.Stderr, "the rare part of those who have none was written to: %+v\n", noRare)
		code = 1
	}
	os.Exit(code)
}
