package consumer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Codecs, as in a record batch's attributes.
const (
	codecGzip   = 1
	codecSnappy = 2
	codecLZ4    = 3
	codecZstd   = 4
)

// errExpanded: a record batch decompresses to more than is allowed.
var errExpanded = errors.New("decompresses to more than a record batch may")

// xerial is what Java's snappy streams begin with, followed by two versions of
// four bytes each, and blocks with their length before them.
var xerial = []byte{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0}

const xerialHeader = 16

// guess is how many bytes raw is likely to decompress to; exact for snappy.
func guess(codec int16, raw []byte) int {
	if codec == codecSnappy && !bytes.HasPrefix(raw, xerial) {
		if n, err := s2.DecodedLen(raw); err == nil && n <= largestBlock {
			return n
		}
	}
	return min(4*len(raw), largestBlock)
}

// decompress appends what src decompresses to to dst, which is empty; at the
// most limit bytes.
func decompress(codec int16, dst, src []byte, limit int) ([]byte, error) {
	switch codec {
	case codecGzip:
		return gunzip(dst, src, limit)
	case codecSnappy:
		if bytes.HasPrefix(src, xerial) {
			return unsnapStream(dst, src, limit)
		}
		return unsnap(dst, src, limit)
	case codecLZ4:
		return unlz4(dst, src, limit)
	case codecZstd:
		return unzstd(dst, src, limit)
	}
	return nil, fmt.Errorf("unknown compression %d", codec)
}

// unsnap appends one snappy block.
func unsnap(dst, src []byte, limit int) ([]byte, error) {
	n, err := s2.DecodedLen(src)
	if err != nil {
		return nil, fmt.Errorf("snappy: %w", err)
	}
	if n > limit-len(dst) {
		return nil, errExpanded
	}
	have := len(dst)
	if cap(dst)-have < n {
		grown := make([]byte, have, max(have+n, 2*cap(dst)))
		copy(grown, dst)
		dst = grown
	}
	if _, err := s2.Decode(dst[have:have+n:have+n], src); err != nil {
		return nil, fmt.Errorf("snappy: %w", err)
	}
	return dst[:have+n], nil
}

func unsnapStream(dst, src []byte, limit int) ([]byte, error) {
	if len(src) < xerialHeader {
		return nil, errors.New("snappy: header is cut off")
	}
	for src = src[xerialHeader:]; len(src) > 0; {
		if len(src) < 4 {
			return nil, errors.New("snappy: block length is cut off")
		}
		n := binary.BigEndian.Uint32(src)
		src = src[4:]
		if uint64(n) > uint64(len(src)) {
			return nil, errors.New("snappy: block is cut off")
		}
		var err error
		if dst, err = unsnap(dst, src[:n], limit); err != nil {
			return nil, err
		}
		src = src[n:]
	}
	return dst, nil
}

var gzipReaders = sync.Pool{New: func() any { return new(gzip.Reader) }}

func gunzip(dst, src []byte, limit int) ([]byte, error) {
	r := gzipReaders.Get().(*gzip.Reader)
	defer gzipReaders.Put(r)
	if err := r.Reset(bytes.NewReader(src)); err != nil {
		return nil, fmt.Errorf("gzip: %w", err)
	}
	dst, err := appendAll(dst, r, limit)
	if err != nil {
		return nil, fmt.Errorf("gzip: %w", err)
	}
	return dst, nil
}

var lz4Readers = sync.Pool{New: func() any { return lz4.NewReader(nil) }}

func unlz4(dst, src []byte, limit int) ([]byte, error) {
	r := lz4Readers.Get().(*lz4.Reader)
	defer lz4Readers.Put(r)
	r.Reset(bytes.NewReader(src))
	dst, err := appendAll(dst, r, limit)
	if err != nil {
		return nil, fmt.Errorf("lz4: %w", err)
	}
	return dst, nil
}

// appendAll appends all that r has to dst.
func appendAll(dst []byte, r io.Reader, limit int) ([]byte, error) {
	for {
		if len(dst) == cap(dst) {
			dst = append(dst, 0)[:len(dst)]
		}
		n, err := r.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		switch {
		case len(dst) > limit:
			return nil, errExpanded
		case errors.Is(err, io.EOF):
			return dst, nil
		case err != nil:
			return nil, err
		}
	}
}

// zstdWindow is the largest window a zstd frame may ask for, which is what the
// highest compression level uses: the decoder allocates it before it has seen
// what needs it.
const zstdWindow = 128 << 20

var zstdDecoders = sync.Pool{New: func() any {
	d, err := zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(zstdWindow))
	if err != nil {
		return err // the options contradict each other
	}
	return d
}}

func unzstd(dst, src []byte, limit int) ([]byte, error) {
	pooled := zstdDecoders.Get()
	d, ok := pooled.(*zstd.Decoder)
	if !ok {
		return nil, fmt.Errorf("zstd: %w", pooled.(error))
	}
	defer zstdDecoders.Put(d)
	// A stream and not DecodeAll, which would allocate what the frame claims
	// before anybody could refuse it.
	if err := d.Reset(bytes.NewReader(src)); err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	dst, err := appendAll(dst, d, limit)
	if err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	return dst, nil
}
