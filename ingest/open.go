package ingest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
)

// input is a file as its plain bytes.
type input struct {
	*bufio.Reader
	close func() error
}

func (in *input) Close() error { return in.close() }

// open opens a file, unpacks it where it is gzip, and skips a byte order mark.
// It tells read of each byte of the file as it lies on the disk.
func open(name string, stdin io.Reader, read func(n int)) (*input, error) {
	raw := stdin
	in := &input{close: func() error { return nil }}
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err // it names the file and what is wrong
		}
		if info, err := f.Stat(); err == nil && info.IsDir() {
			return nil, errors.Join(fmt.Errorf("%s is a folder; name the files in it", name), f.Close())
		}
		raw, in.close = f, f.Close
	}
	in.Reader = bufio.NewReaderSize(&counted{raw, read}, 64<<10)
	if err := in.unpack(); err != nil {
		return nil, errors.Join(fmt.Errorf("read %s: %w", name, err), in.Close())
	}
	ahead, closeFile := newAhead(in.Reader), in.close
	in.close = func() error {
		ahead.stop()
		return closeFile()
	}
	in.Reader = bufio.NewReaderSize(ahead, 64<<10)
	if mark, err := in.Peek(3); err == nil && string(mark) == "\xef\xbb\xbf" {
		if _, err := in.Discard(3); err != nil {
			return nil, errors.Join(fmt.Errorf("read %s: %w", name, err), in.Close())
		}
	}
	return in, nil
}

// unpack replaces the reader where the bytes are gzip.
func (in *input) unpack() error {
	magic, err := in.Peek(2)
	if err != nil || magic[0] != 0x1f || magic[1] != 0x8b {
		return nil // what is wrong will be seen when it is read
	}
	unpacked, err := gzip.NewReader(in.Reader)
	if err != nil {
		return damaged(err)
	}
	in.Reader = bufio.NewReaderSize(whole{unpacked}, 64<<10)
	return nil
}

// whole words what ends unpacking before its end.
type whole struct{ io.Reader }

func (w whole) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	return n, damaged(err)
}

var (
	errBrokenOff = errors.New("the packed data breaks off; copy the file once more")
	errDamaged   = errors.New("the packed data is damaged; copy the file once more")
)

// damaged words an error of the unpacker for people.
func damaged(err error) error {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errBrokenOff
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, &corrupt):
		return errDamaged
	}
	return err
}

// startsWith says whether c is the first byte that is no blank.
func (in *input) startsWith(c byte) (bool, error) {
	for n := 64; ; n *= 2 {
		b, err := in.Peek(n)
		for _, have := range b {
			if have != ' ' && have != '\t' && have != '\r' && have != '\n' {
				return have == c, nil
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, bufio.ErrBufferFull) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
}

// counted tells of the bytes that pass.
type counted struct {
	io.Reader
	read func(n int)
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read(n)
	return n, err
}

// totalSize adds the sizes of files that have one.
func totalSize(files []string) int64 {
	var total int64
	for _, name := range files {
		if info, err := os.Stat(name); name != "-" && err == nil {
			total += info.Size()
		}
	}
	return total
}

// empty says whether there is nothing more to read.
func (in *input) empty() bool {
	_, err := in.Peek(1)
	return errors.Is(err, io.EOF)
}
