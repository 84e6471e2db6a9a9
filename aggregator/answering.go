package aggregator

import (
	"slices"
	"strings"

	"github.com/tidemark-io/tidemark/event"
)

// Classes are numbers of NPS answers: of promoters, passives and detractors.
type Classes [3]int64

// Bucket lists the customers of a bucket that is in memory, by id.
func (s *Shard) Bucket(i int) []string {
	var out []string
	for _, c := range s.buckets[i].customers {
		out = append(out, c.id)
	}
	slices.SortFunc(out, strings.Compare)
	return out
}

// Buckets is how many there are.
func (s *Shard) Buckets() int { return len(s.buckets) }

// Pages lists the keys of a customer's users who are in records of their own and
// not in memory. Its bucket must be.
func (s *Shard) Pages(id string) []string {
	c := s.find(id)
	if c == nil || c.pages == nil {
		return nil
	}
	var keys []string
	for k, p := range c.pages.list {
		if p == nil {
			keys = append(keys, pageKey(id, k))
		}
	}
	return keys
}

// NPSAnswers counts the answers of a customer's respondents that count on a day:
// of each and of each campaign or ref the latest, within the window of 30 or 90
// days that ends with the day. Over all customers they add up to promoters,
// passives and detractors. The customer's pages must be in memory.
func (s *Shard) NPSAnswers(id string, day, window int32) (out Classes) {
	c := s.find(id)
	if c == nil {
		return out
	}
	count := func(users []user) {
		for i := range users {
			out.count(users[i].surveyed(), day, window)
		}
	}
	count(c.users)
	if c.pages != nil {
		for _, p := range c.pages.list {
			if p != nil {
				count(p.users)
			}
		}
	}
	return out
}

// count adds a respondent's answers, as contributeAnswers has them.
func (n *Classes) count(list []answer, day, window int32) {
	for i := range list {
		a := &list[i]
		if a.kind != event.NPS || a.day > day || a.day+window <= day ||
			i+1 < len(list) && sameQuestion(a, &list[i+1]) && list[i+1].day <= day {
			continue
		}
		n[a.npsClass()]++
	}
}
