package endtoend

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// pollEvery is the time between two looks at a condition.
const pollEvery = 25 * time.Millisecond

// Eventually asks until the answer is nil, for as long as ctx lasts. An answer
// made with Stop ends it at once.
func Eventually(ctx context.Context, ask func() error) error {
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	var last error // before the time was up, so that it tells more than that
	for {
		err := ask()
		var final stopped
		switch {
		case err == nil:
			return nil
		case errors.As(err, &final):
			return final.error
		case ctx.Err() != nil && last != nil:
			return fmt.Errorf("%w (%w)", last, ctx.Err())
		}
		last = err
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (%w)", err, ctx.Err())
		case <-poll.C:
		}
	}
}

// Stop marks an error that will not pass.
func Stop(err error) error { return stopped{err} }

type stopped struct{ error }

func (s stopped) Unwrap() error { return s.error }
