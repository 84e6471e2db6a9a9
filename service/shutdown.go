package service

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// answerLimit is how long requests may go on once the process is to end.
const answerLimit = 2 * time.Second

// shutDown lets requests come to their end, for a while.
func shutDown(ctx context.Context, server *http.Server, limit time.Duration) error {
	end, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := server.Shutdown(end)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	return err
}
