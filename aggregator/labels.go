package aggregator

import (
	"strings"
	"unicode/utf8"
)

// labels are the different words of one kind that a shard has met in events and
// keeps counts by: part of its table, so that the same ones are kept apart whoever
// owns it, and a new one, past maxLabels, counts as otherLabel in every record.
type labels struct {
	list  []string
	index map[string]int
}

// maxLabelBytes is how much of one is kept.
const (
	maxLabels     = 250
	maxLabelBytes = 60
	otherLabel    = "other"
)

func newLabels(list []string) *labels {
	l := &labels{list: list, index: map[string]int{}}
	for i, name := range list {
		l.index[name] = i
	}
	return l
}

// cutLabel is how much of a text is kept: without blanks around it, and cut where
// it is long.
func cutLabel(text []byte) string {
	label := strings.TrimSpace(string(text))
	if len(label) > maxLabelBytes {
		n := maxLabelBytes
		for !utf8.RuneStart(label[n]) {
			n--
		}
		label = strings.TrimSpace(label[:n])
	}
	return label
}

// keep returns a label as one string that all records share, or otherLabel where
// there are too many.
func (l *labels) keep(label string) string {
	if i, ok := l.index[label]; ok {
		return l.list[i]
	}
	if len(l.list) >= maxLabels-1 && label != otherLabel {
		return l.keep(otherLabel)
	}
	l.index[label] = len(l.list)
	l.list = append(l.list, label)
	return label
}
