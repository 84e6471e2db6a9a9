package company

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/store"
)

// ListStore is what lists need of the store.
type ListStore interface {
	Partitions(ctx context.Context) (int, error)
	BandMembers(ctx context.Context, shard int, band string, offset, limit int64, reverse bool) ([]store.BandMember, error)
	Firing(ctx context.Context, shard int) (map[string][]byte, error)
	Episodes(ctx context.Context, shard, limit int) ([][]byte, error)
}

// Lists reads lists that span shards: customers by band, and alerts. It keeps
// nothing and may be used from any goroutine.
type Lists struct {
	Store    ListStore
	Currency event.Currency // reporting currency
}

// Bands are the bands that customers are listed by, the most urgent first.
var Bands = []string{"red", "amber", "unknown", "green"}

// Ranked is a customer in a list.
type Ranked struct {
	Customer string       `json:"customer"`
	Band     string       `json:"band"`
	MRR      alert.Amount `json:"mrr"`               // a month, in the reporting currency
	Answers  int64        `json:"answers,omitempty"` // that put it into a list of Answering
}

// CustomerQuery asks for a page of customers.
type CustomerQuery struct {
	Band   string // one of Bands; "": all of them, one after the other
	NPS    string // one of Classes, in place of a band; "": by health
	Window string // one of ClassWindows, with NPS; "": the first
	Limit  int    // at least 1
	Cursor string // Next of the page before; "": from the beginning
}

// CustomerPage is a page of customers: by band, then by falling MRR.
type CustomerPage struct {
	Customers []Ranked
	Next      string // cursor of the next page, "" where there is none
}

// ErrCursor says that a cursor is none of ours, or of another query.
var ErrCursor = errors.New("the cursor is not one of this list; leave it out to begin anew")

// cursor is where a page ended: in a band, behind so many members of each shard.
type cursor struct {
	Band    string  `json:"b"`
	Offsets []int64 `json:"o"`
}

// Customers returns a page of customers. Customers whose MRR or band changes
// between two pages may be on both or on neither.
func (l Lists) Customers(ctx context.Context, q CustomerQuery) (CustomerPage, error) {
	shards, err := l.Store.Partitions(ctx)
	if err != nil {
		return CustomerPage{}, err
	}
	bands := Bands
	if q.Band != "" {
		bands = []string{q.Band}
	}
	at, err := parseCursor(q.Cursor, bands, shards)
	if err != nil {
		return CustomerPage{}, err
	}
	page := CustomerPage{Customers: []Ranked{}}
	for _, band := range bands[slices.Index(bands, at.Band):] {
		if band != at.Band {
			at = cursor{Band: band, Offsets: make([]int64, shards)}
		}
		more, err := l.appendBand(ctx, &page, at, q.Limit)
		if err != nil {
			return CustomerPage{}, err
		}
		if more {
			page.Next = at.String()
			break
		}
	}
	return page, nil
}

// appendBand fills the page with members of one band and moves the cursor's
// offsets. More says that the page is full and the band is not at its end.
func (l Lists) appendBand(ctx context.Context, page *CustomerPage, at cursor, limit int) (more bool, err error) {
	room := limit - len(page.Customers)
	type member struct {
		store.BandMember
		shard int
	}
	var found []member
	for shard := range at.Offsets {
		// One more than there is room for tells whether there is more.
		members, err := l.Store.BandMembers(ctx, shard, at.Band, at.Offsets[shard], int64(room)+1, true)
		if err != nil {
			return false, err
		}
		for _, m := range members {
			found = append(found, member{m, shard})
		}
	}
	// Within a shard equal scores come by falling name.
	slices.SortFunc(found, func(a, b member) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), strings.Compare(b.Customer, a.Customer))
	})
	for _, m := range found[:min(room, len(found))] {
		at.Offsets[m.shard]++
		page.Customers = append(page.Customers, Ranked{
			Customer: m.Customer, Band: at.Band, MRR: alert.Amount{Amount: int64(m.Score), Currency: l.Currency.String()},
		})
	}
	return len(found) > room, nil
}

func parseCursor(s string, bands []string, shards int) (cursor, error) {
	if s == "" {
		return cursor{Band: bands[0], Offsets: make([]int64, shards)}, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return cursor{}, ErrCursor
	}
	var c cursor
	if err := json.Unmarshal(b, &c); err != nil || !slices.Contains(bands, c.Band) || len(c.Offsets) != shards ||
		slices.ContainsFunc(c.Offsets, func(o int64) bool { return o < 0 }) {
		return cursor{}, ErrCursor
	}
	return c, nil
}

func (c cursor) String() string {
	b, err := json.Marshal(c)
	if err != nil {
		return "" // strings and integers always encode
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// AlertQuery asks for alerts.
type AlertQuery struct {
	State string // alert.StateFiring, StateResolved, StateNoted, or "" for all
	Rule  string // "": all rules
	Limit int    // at least 1
}

// episodesRead is how many told alerts of a shard are looked at: all that the
// store keeps.
const episodesRead = 1000

// Alerts lists what is firing, and past episodes with their resolution, the
// newest first. What should be firing and has not been told yet, because a shard
// is still reading history, has no episode and no reason.
func (l Lists) Alerts(ctx context.Context, q AlertQuery) ([]alert.Told, error) {
	shards, err := l.Store.Partitions(ctx)
	if err != nil {
		return nil, err
	}
	out := []alert.Told{}
	for shard := range shards {
		told, err := l.shardAlerts(ctx, shard)
		if err != nil {
			return nil, fmt.Errorf("alerts of shard %d: %w", shard, err)
		}
		out = append(out, told...)
	}
	out = slices.DeleteFunc(out, func(t alert.Told) bool {
		return q.State != "" && t.State != q.State || q.Rule != "" && t.Rule != q.Rule
	})
	slices.SortStableFunc(out, newestFirst)
	return out[:min(len(out), q.Limit)], nil
}

// AlertsAbout lists the alerts about one subject that a shard tells of, in the
// order of Alerts.
func (l Lists) AlertsAbout(ctx context.Context, shard int, subject string) ([]alert.Told, error) {
	told, err := l.shardAlerts(ctx, shard)
	if err != nil {
		return nil, fmt.Errorf("alerts of shard %d: %w", shard, err)
	}
	told = slices.DeleteFunc(told, func(t alert.Told) bool { return t.Subject != subject })
	slices.SortStableFunc(told, newestFirst)
	return told, nil
}

// newestFirst orders alerts.
func newestFirst(a, b alert.Told) int {
	return cmp.Or(strings.Compare(b.Time, a.Time), strings.Compare(a.Rule, b.Rule), strings.Compare(a.Subject, b.Subject))
}

// shardAlerts joins what should be firing with what has been told.
func (l Lists) shardAlerts(ctx context.Context, shard int) ([]alert.Told, error) {
	firing, err := l.Store.Firing(ctx, shard)
	if err != nil {
		return nil, err
	}
	episodes, err := l.Store.Episodes(ctx, shard, episodesRead)
	if err != nil {
		return nil, err
	}
	var out []alert.Told
	seen := map[string]bool{} // rule|subject whose newest word has been met
	for _, b := range episodes {
		t, err := alert.Decode(b)
		if err != nil {
			return nil, err
		}
		if t.State == alert.StateNoted {
			out = append(out, t)
			continue
		}
		pair := t.Rule + "|" + t.Subject
		newest := !seen[pair]
		seen[pair] = true
		_, fires := firing[pair]
		switch {
		case t.State == alert.StateResolved:
			out = append(out, t)
		case newest && fires:
			out = append(out, t)
			delete(firing, pair)
		}
	}
	for pair, b := range firing {
		var since struct {
			Since int64 `json:"since"` // Unix ms
		}
		if err := json.Unmarshal(b, &since); err != nil {
			return nil, fmt.Errorf("firing %s: %w", pair, err)
		}
		rule, subject, _ := strings.Cut(pair, "|")
		moment := alert.Moment(since.Since)
		out = append(out, alert.Told{Rule: rule, Subject: subject, State: alert.StateFiring, Since: moment, Time: moment})
	}
	return out, nil
}
