package service

import (
	"testing"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/store"
)

// TestAudit: what fits together is clean, a row that no record stands behind is
// told of, and either way commits go on.
func TestAudit(t *testing.T) {
	o := newOwner(t)
	o.commit(0)
	a, err := AuditShard(t.Context(), o.cfg, o.store, 0)
	if err != nil || len(a.Wrong) > 0 {
		t.Errorf("an empty shard: %v, %v", a.Wrong, err)
	}
	o.commit(5)
	if a, err = AuditShard(t.Context(), o.cfg, o.store, 0); err != nil || len(a.Wrong) == 0 {
		t.Errorf("5 customers without a record: %v, %v", a.Wrong, err)
	}
	o.commit(0)
}

// TestAuditOfADamagedRecord is no end of it for the owner.
func TestAuditOfADamagedRecord(t *testing.T) {
	o := newOwner(t)
	o.head.Table = (&aggregator.Table{Buckets: 16, Customers: 1}).Append(nil)
	var err error
	if o.held, err = o.store.Commit(t.Context(), 0, o.held, &store.Commit{Head: o.head, Records: []store.Field{{Name: "b/3", Value: []byte("damaged")}}}); err != nil {
		t.Fatal(err)
	}
	if a, err := AuditShard(t.Context(), o.cfg, o.store, 0); err == nil {
		t.Errorf("a damaged record counts as clean: %+v", a)
	}
	o.commit(1)
}
