package publisher

import (
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
)

// OmittedHeader is the header of a copy that lacks the original's value, or all
// of the original: how many bytes are left out. Brokers measure a message as it
// was compressed, so that one they have taken may be larger, unpacked, than a
// copy may be. The original stays where the other headers say that it lies.
const OmittedHeader = "tidemark_omitted_bytes"

// Of a record and its batch, and of each header, besides what they hold.
const (
	recordOverhead = 128
	headerOverhead = 10
)

// record is the note as it is produced, in no more than so many bytes: a copy
// that the topic would not take would be refused for ever, and nothing of its
// shard said after it.
func (n Note) record(most int) *kgo.Record {
	r := &kgo.Record{Topic: n.Topic, Key: n.Key, Value: n.Value}
	size := recordOverhead + len(n.Key) + len(n.Value)
	for _, h := range n.Headers {
		r.Headers = append(r.Headers, kgo.RecordHeader(h))
		size += headerOverhead + len(h.Key) + len(h.Value)
	}
	if size <= most {
		return r
	}
	left := len(n.Value)
	if r.Value = nil; size-left+headerOverhead+len(OmittedHeader) > most {
		left += len(n.Key)
		r.Key, r.Headers = nil, nil
		for _, h := range n.Headers {
			if strings.HasPrefix(h.Key, "tidemark_") {
				r.Headers = append(r.Headers, kgo.RecordHeader(h))
			} else {
				left += len(h.Key) + len(h.Value)
			}
		}
	}
	r.Headers = append(r.Headers, kgo.RecordHeader{Key: OmittedHeader, Value: strconv.AppendInt(nil, int64(left), 10)})
	return r
}
