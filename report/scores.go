package report

import (
	"context"

	"github.com/tidemark-io/tidemark/company"
	"github.com/tidemark-io/tidemark/store"
)

// cachedScores are the scores of all customers as of the commits that they were
// read at.
type cachedScores struct {
	at      int64 // the moment that they are of, Unix ms; 0: the watermark
	tenures []store.Tenure
	list    *company.Scores
}

// readScores adds up the scores of all customers, unless that has been done since
// anything changed. Everything must have been taken over.
func (e *Engine) readScores() (*company.Scores, error) {
	tenures := make([]store.Tenure, len(e.store))
	same := e.scores.list != nil
	for i, p := range e.store {
		tenures[i] = p.tenure
		same = same && tenures[i] == e.scores.tenures[i]
	}
	if same {
		return e.scores.list, nil
	}
	read := company.ScoreReader{Store: e.store, Options: e.options.Shard, At: e.scores.at}
	list, err := read.Read(context.Background()) // in memory: nothing to wait for
	if err != nil {
		return nil, err
	}
	e.scores.list, e.scores.tenures = list, tenures
	return list, nil
}
