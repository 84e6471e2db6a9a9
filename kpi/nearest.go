package kpi

import "strings"

// Nearest returns the KPI whose name comes nearest to the given one, or "" where
// none comes near.
func Nearest(name string) string { return NearestOf(name, Names()) }

// NearestOf returns the one of words that is probably meant by word: the
// shortest that contains it, else the one with the fewest letters to add,
// remove, replace or exchange; the first of words where several tie. It is ""
// where more than half of the word (and more than 2 letters) would have to
// change: a guess that far off only confuses. A part between underscores counts as
// well, where no more than a third of the word would have to change. Case does not
// matter. Of a very long word only the beginning is looked at.
func NearestOf(word string, words []string) string {
	word = strings.ToLower(word[:min(len(word), maxWord)])
	best, least := "", max(2, len(word)/2)+1
	for _, w := range words {
		d := within(word, strings.ToLower(w), least)
		if len(word) > 2 && strings.Contains(w, word) {
			d = len(w) - len(word) - 1<<16 // before every word that does not contain it
		}
		if d < least {
			best, least = w, d
		}
	}
	for _, w := range words {
		for part := range strings.SplitSeq(strings.ToLower(w), "_") {
			most := min(least, len(word)/3+1)
			if d := within(word, part, most); d < most {
				best, least = w, d
			}
		}
	}
	return best
}

// maxWord bounds what is compared of a word, bytes: it may come from anywhere, with
// as much as a request can hold.
const maxWord = 256

// within is the distance of two words where it is below most, and otherwise anything
// from most on.
func within(a, b string, most int) int {
	if apart := max(len(a)-len(b), len(b)-len(a)); apart >= most {
		return apart // as many have to be added or removed
	}
	return distance(a, b)
}

// distance is the optimal string alignment distance of two ASCII words.
func distance(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
