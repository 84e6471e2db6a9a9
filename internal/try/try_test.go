//go:build servers

package main

import (
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/internal/endtoend"
)

// TestPublishedFigures: what a user gets from published data with the built
// binary, a real Kafka and a real Redis are the published figures.
func TestPublishedFigures(t *testing.T) {
	data, err := endtoend.Data()
	if err != nil {
		t.Fatal(err)
	}
	if data == "" {
		t.Skipf("NOT TESTED: no published data at ../shared/data beside the project; %s names the folder", endtoend.DataEnv)
	}
	var said strings.Builder
	if err := tryAll(t.Context(), &said, data, ""); err != nil {
		t.Errorf("%v\n%s", err, said.String())
	}
	for _, s := range sets {
		if !strings.Contains(said.String(), s.name+": as published") {
			t.Errorf("%s was not tried", s.name)
		}
	}
}

// TestWrongFigureIsSeen: a figure that is not the published one fails the try.
func TestWrongFigureIsSeen(t *testing.T) {
	var said strings.Builder
	x := &trial{out: &said}
	x.is("users", 1898, 1899)
	if len(x.differs) != 1 || !strings.Contains(said.String(), "≠") {
		t.Errorf("%v, %s", x.differs, said.String())
	}
}
