package company

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/store"
)

// Lists of customers by their respondents' answers. Nothing is kept for them: the
// records are read through, a bounded part for each page.

// Classes are the KPIs whose customers are listed, in the order of
// aggregator.Classes.
var Classes = []string{"promoters", "passives", "detractors"}

// ClassWindows are the windows that they are listed by, the default first: days
// by their names.
var ClassWindows = []string{"90d", "30d"}

var classDays = map[string]int32{"90d": 90, "30d": 30}

const (
	// answeringBuckets is how many records are read at a time.
	answeringBuckets = 128
	// answeringMost bounds what one page reads, whatever it finds: some thirty
	// thousand customers.
	answeringMost = 4096
)

// answeringCursor is where a page ended: in a shard, at a bucket, behind a customer
// of it.
type answeringCursor struct {
	Class  string `json:"c"`
	Window string `json:"w"`
	Shard  int    `json:"s"`
	Bucket int    `json:"b"`
	After  string `json:"a,omitempty"`
}

func (c answeringCursor) String() string {
	b, err := json.Marshal(c)
	if err != nil {
		return "" // strings and integers always encode
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseAnswering(q CustomerQuery, shards int) (answeringCursor, error) {
	if q.Cursor == "" {
		return answeringCursor{Class: q.NPS, Window: q.Window}, nil
	}
	var at answeringCursor
	b, err := base64.RawURLEncoding.DecodeString(q.Cursor)
	if err != nil {
		return at, ErrCursor
	}
	if err := json.Unmarshal(b, &at); err != nil || at.Class != q.NPS || at.Window != q.Window || at.Shard < 0 || at.Shard >= shards || at.Bucket < 0 {
		return at, ErrCursor
	}
	return at, nil
}

// Answering returns a page of the customers of whose respondents' latest NPS
// answers within the window any is of a class: by shard and bucket, which is no
// order that means anything. A page may have fewer than the limit, or none, and
// still a next one. Customers whose records change between two pages may be on
// both or on neither.
func (r Records) Answering(ctx context.Context, q CustomerQuery) (CustomerPage, error) {
	if q.Window == "" {
		q.Window = ClassWindows[0]
	}
	page := CustomerPage{Customers: []Ranked{}}
	shards, err := r.Store.Partitions(ctx)
	if err != nil || shards == 0 {
		return page, err
	}
	at, err := parseAnswering(q, shards)
	if err != nil {
		return CustomerPage{}, err
	}
	o, err := r.Options()
	if err != nil {
		return CustomerPage{}, err
	}
	read := answering{Records: r, o: o, q: q, class: slices.Index(Classes, q.NPS), page: &page}
	failed := 0
	for left := answeringMost; left > 0; left -= answeringBuckets {
		more, err := read.some(ctx, &at)
		if err != nil {
			// A customer's users may be of a later commit than its bucket, and name
			// what the head before does not know.
			if failed++; failed == recordAttempts {
				return CustomerPage{}, fmt.Errorf("customers of shard %d: %w", at.Shard, err)
			}
			continue
		}
		failed = 0
		if len(page.Customers) == q.Limit {
			break
		}
		if !more {
			if at = (answeringCursor{Class: q.NPS, Window: q.Window, Shard: at.Shard + 1}); at.Shard == shards {
				return page, nil
			}
		}
	}
	page.Next = at.String()
	return page, nil
}

// answering fills a page.
type answering struct {
	Records
	o     aggregator.Options
	q     CustomerQuery
	class int
	page  *CustomerPage
}

// some reads some buckets and moves the cursor behind what it has looked at. More
// says that the shard has more.
func (a *answering) some(ctx context.Context, at *answeringCursor) (more bool, err error) {
	keys := make([]string, answeringBuckets)
	for i := range keys {
		keys[i] = aggregator.BucketName(at.Bucket + i)
	}
	head, values, err := a.Store.Records(ctx, at.Shard, keys)
	if err != nil || head.Watermark == 0 {
		return false, err
	}
	s, err := a.open(head)
	if err != nil {
		return false, err
	}
	first := at.Bucket
	for i := first; i < min(first+len(keys), s.Buckets()); i++ {
		if err := s.Load(keys[i-first], values[i-first]); err != nil {
			return false, err
		}
		for _, id := range s.Bucket(i) {
			if i == at.Bucket && id <= at.After {
				continue
			}
			if len(a.page.Customers) == a.q.Limit {
				return true, nil
			}
			if err := a.customer(ctx, s, at.Shard, id); err != nil {
				return false, err
			}
			at.Bucket, at.After = i, id
		}
		at.Bucket, at.After = i+1, ""
	}
	return at.Bucket < s.Buckets(), nil
}

// open makes a shard of which some records are to be loaded.
func (r Records) open(head store.Head) (*aggregator.Shard, error) {
	o, err := r.Options()
	if err != nil {
		return nil, err
	}
	s, err := aggregator.Open(o, aggregator.Stored{Watermark: head.Watermark, FirstDay: head.FirstDay, Table: head.Table})
	if err != nil {
		return nil, fmt.Errorf("open the shard: %w", err)
	}
	return s, nil
}

// customer adds a customer to the page where it belongs there.
func (a *answering) customer(ctx context.Context, s *aggregator.Shard, shard int, id string) error {
	for keys := s.Pages(id); len(keys) > 0; keys = s.Pages(id) {
		some := keys[:min(len(keys), answeringBuckets)]
		_, values, err := a.Store.Records(ctx, shard, some)
		if err != nil {
			return err
		}
		for i, key := range some {
			if err := s.Load(key, values[i]); err != nil {
				return err
			}
		}
	}
	n := s.NPSAnswers(id, a.o.Calendar.Day(s.Watermark()), classDays[a.q.Window])[a.class]
	if n == 0 {
		return nil
	}
	v := s.View(id)
	minor := (v.MRR[a.o.Currency] + event.MonthlyUnit/2) / event.MonthlyUnit
	a.page.Customers = append(a.page.Customers, Ranked{Customer: id, Band: v.Band.String(),
		MRR: alert.Amount{Amount: minor, Currency: a.o.Currency.String()}, Answers: n})
	return nil
}
