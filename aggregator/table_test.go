package aggregator

import (
	"fmt"
	"testing"

	"github.com/tidemark-io/tidemark/event"
)

// TestBucketsSplitWithASmallCache: customers come in while most buckets are not
// in memory. The number of buckets must keep up, since one more in a bucket is
// one more written for each change beside it.
func TestBucketsSplitWithASmallCache(t *testing.T) {
	s, err := New(testOptions())
	if err != nil {
		t.Fatal(err)
	}
	stored := map[string][]byte{}
	const batches, each = 60, 500
	for b := range batches {
		batch := make([]event.Event, each)
		for i := range batch {
			batch[i] = login(fmt.Sprintf("c%d-%d", b, i), "u", someDay, "")
		}
		for keys := s.Need(batch); len(keys) > 0; keys = s.Need(batch) {
			for _, k := range keys {
				if err := s.Load(k, stored[k]); err != nil {
					t.Fatal(err)
				}
			}
		}
		for i := range batch {
			if _, err := s.Apply(i, &batch[i], Cause{}); err != nil {
				t.Fatal(err)
			}
		}
		s.Advance(someDay, 100)
		for _, kv := range s.Changes().Records {
			stored[kv.Name] = append([]byte(nil), kv.Value...)
		}
		s.Committed(64 << 10)
	}
	if s.customers != batches*each {
		t.Fatalf("%d customers", s.customers)
	}
	if full := float64(s.customers) / float64(len(s.buckets)); full > 1.25*perBucket {
		t.Errorf("%.1f customers a bucket, %d are meant", full, perBucket)
	}
}
