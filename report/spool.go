package report

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// spool keeps what was read of standard input, so that it can be read again.
type spool struct {
	in   io.Reader
	file *os.File

	mu  sync.Mutex // two readers: the first may still wait for bytes that the second gets
	n   int64      // bytes in the file
	err error      // of in
}

func newSpool(in io.Reader, dir string) (*spool, error) {
	f, err := os.CreateTemp(dir, "tidemark-report-*")
	if err != nil {
		return nil, fmt.Errorf("make a temporary file for standard input: %w", err)
	}
	return &spool{in: in, file: f}, nil
}

func (s *spool) close() error {
	return errors.Join(s.file.Close(), os.Remove(s.file.Name()))
}

// reader reads standard input from its beginning.
func (s *spool) reader() io.Reader { return &spoolReader{spool: s} }

type spoolReader struct {
	*spool
	at int64
}

func (r *spoolReader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.at < r.n {
		n, err := r.file.ReadAt(p[:min(int64(len(p)), r.n-r.at)], r.at)
		r.at += int64(n)
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return n, err
	}
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.in.Read(p)
	r.err = err
	if _, failed := r.file.WriteAt(p[:n], r.n); failed != nil {
		return 0, fmt.Errorf("keep standard input in a temporary file: %w", failed)
	}
	r.n += int64(n)
	r.at = r.n
	return n, err
}
