package consumer

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"
	"github.com/segmentio/kafka-go/protocol/metadata"
)

// clientID is what the broker writes into its logs and quotas.
const clientID = "tidemark"

// fetchRequest is a fetch that kafka.Transport routes and sends like any other,
// but whose answer is read by us: each partition's record set goes from the
// socket into a pooled block of its own, without a copy between and without
// kafka-go's decoding. It is used again for the next request, unless an error
// came back: then kafka-go may still be reading into it.
type fetchRequest struct {
	fetch.Request
	broker  int32
	version int16
	serial  int32
	reply   []partReply // in the order of the answer
	scratch [64]byte
	name    []byte
}

// partReply is the answer for one topic-partition.
type partReply struct {
	topic     string // one of the request's
	partition int32
	code      int16
	high      int64 // high watermark
	stable    int64 // last stable offset
	aborted   []abortedTxn
	block     *block // the record set; nil: empty
}

var (
	_ protocol.RawExchanger  = (*fetchRequest)(nil)
	_ protocol.BrokerMessage = (*fetchRequest)(nil)
)

// Broker routes the request to the broker that the partitions were asked to be
// led by. kafka-go's own routing goes by metadata that may be seconds old.
func (r *fetchRequest) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	b, ok := cluster.Brokers[r.broker]
	if !ok {
		return protocol.Broker{ID: -1}, fmt.Errorf("broker %d is not known yet", r.broker)
	}
	return b, nil
}

// Required notes the version that was negotiated; the answer is always ours to read.
func (r *fetchRequest) Required(versions map[protocol.ApiKey]int16) bool {
	r.version = versions[protocol.Fetch]
	return true
}

// The fetch versions that are understood: 4 brought isolation levels, 11 is the
// newest that kafka-go writes. Kafka 4 serves 4 to 18.
const (
	oldestFetch = 4
	newestFetch = 11
)

// RawExchange writes the request and reads its answer into r.reply.
func (r *fetchRequest) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if r.version < oldestFetch || r.version > newestFetch {
		return nil, fmt.Errorf("fetch version %d: the broker is older than Kafka 0.11", r.version)
	}
	r.serial++
	if err := protocol.WriteRequest(rw, r.version, r.serial, clientID, &r.Request); err != nil {
		return nil, fmt.Errorf("write fetch request: %w", err)
	}
	if err := r.read(rw); err != nil {
		for i := range r.reply {
			r.reply[i].drop()
		}
		return nil, fmt.Errorf("read fetch answer: %w", err)
	}
	return r, nil
}

func (p *partReply) drop() {
	if p.block != nil {
		p.block.release()
		p.block = nil
	}
}

// errAnswer: the broker's answer contradicts itself. kafka-go closes the
// connection, since nobody knows where the next answer begins.
var errAnswer = errors.New("malformed answer")

// answer reads a fetch's answer and never beyond its end.
type answer struct {
	r    io.Reader
	left int // bytes of the answer not read yet
	buf  []byte
}

// next reads n bytes, valid until the following read.
func (a *answer) next(n int) ([]byte, error) {
	if n > a.left {
		return nil, errAnswer
	}
	a.left -= n
	_, err := io.ReadFull(a.r, a.buf[:n])
	return a.buf[:n], err
}

func (a *answer) int32() (int, error) {
	b, err := a.next(4)
	if err != nil {
		return 0, err
	}
	return int(int32(binary.BigEndian.Uint32(b))), nil
}

func (r *fetchRequest) read(rd io.Reader) error {
	r.reply = r.reply[:0]
	a := answer{r: rd, left: 4, buf: r.scratch[:]}
	size, err := a.int32()
	if err != nil {
		return err
	}
	a.left = size
	head := 4 + 4 // correlation id, throttle time
	if r.version >= 7 {
		head += 2 + 4 // error, session id
	}
	b, err := a.next(head)
	if err != nil {
		return err
	}
	if id := int32(binary.BigEndian.Uint32(b)); id != r.serial {
		return fmt.Errorf("%w: id %d, should be %d", errAnswer, id, r.serial)
	}
	code := int16(0)
	if r.version >= 7 {
		code = int16(binary.BigEndian.Uint16(b[8:]))
	}
	topics, err := a.int32()
	if err != nil {
		return err
	}
	for range topics {
		if err := r.readTopic(&a); err != nil {
			return err
		}
	}
	if a.left != 0 {
		return fmt.Errorf("%w: %d bytes too many", errAnswer, a.left)
	}
	if code != 0 {
		return codeError(code)
	}
	return nil
}

func (r *fetchRequest) readTopic(a *answer) error {
	b, err := a.next(2)
	if err != nil {
		return err
	}
	n := int(binary.BigEndian.Uint16(b))
	if n > a.left {
		return errAnswer
	}
	r.name = slices.Grow(r.name[:0], n)[:n]
	a.left -= n
	if _, err := io.ReadFull(a.r, r.name); err != nil {
		return err
	}
	topic, ok := r.topicNamed(r.name)
	if !ok {
		return fmt.Errorf("%w: topic %q was not asked for", errAnswer, r.name)
	}
	partitions, err := a.int32()
	if err != nil {
		return err
	}
	for range partitions {
		if err := r.readPartition(a, topic); err != nil {
			return err
		}
	}
	return nil
}

// topicNamed returns the request's own string, so that none is allocated.
func (r *fetchRequest) topicNamed(name []byte) (string, bool) {
	for i := range r.Topics {
		if t := r.Topics[i].Topic; t == string(name) {
			return t, true
		}
	}
	return "", false
}

func (r *fetchRequest) readPartition(a *answer, topic string) error {
	head := 4 + 2 + 8 + 8 // partition, error, high watermark, last stable offset
	if r.version >= 5 {
		head += 8 // log start: not needed
	}
	b, err := a.next(head)
	if err != nil {
		return err
	}
	p := partReply{
		topic:     topic,
		partition: int32(binary.BigEndian.Uint32(b)),
		code:      int16(binary.BigEndian.Uint16(b[4:])),
		high:      int64(binary.BigEndian.Uint64(b[6:])),
		stable:    int64(binary.BigEndian.Uint64(b[14:])),
	}
	if p.stable < 0 {
		p.stable = p.high // a broker that has no transactions
	}
	if p.aborted, err = readAborted(a); err != nil {
		return err
	}
	if r.version >= 11 {
		if _, err := a.next(4); err != nil { // preferred replica: none, we name no rack
			return err
		}
	}
	n, err := a.int32()
	if err != nil {
		return err
	}
	if n > a.left {
		return errAnswer
	}
	if n > 0 {
		p.block = newBlock(n)
		a.left -= n
		if _, err := io.ReadFull(a.r, p.block.buf); err != nil {
			p.drop()
			return err
		}
	}
	r.reply = append(r.reply, p)
	return nil
}

// readAborted reads the list of aborted transactions, by first offset.
func readAborted(a *answer) ([]abortedTxn, error) {
	n, err := a.int32()
	if err != nil || n <= 0 {
		return nil, err
	}
	if n > a.left/16 {
		return nil, errAnswer
	}
	txns := make([]abortedTxn, n)
	for i := range txns {
		b, err := a.next(16)
		if err != nil {
			return nil, err
		}
		txns[i] = abortedTxn{
			producer: int64(binary.BigEndian.Uint64(b)),
			first:    int64(binary.BigEndian.Uint64(b[8:])),
		}
	}
	slices.SortFunc(txns, func(x, y abortedTxn) int { return cmp.Compare(x.first, y.first) })
	return txns, nil
}

// freshMetadata asks a broker where partitions are now. A plain
// metadata.Request is answered from kafka.Transport's cache, which knows of a
// new leader only seconds later.
type freshMetadata struct {
	metadata.Request
	version int16
	answer  *metadata.Response
}

var _ protocol.RawExchanger = (*freshMetadata)(nil)

func (r *freshMetadata) Required(versions map[protocol.ApiKey]int16) bool {
	r.version = versions[protocol.Metadata]
	return true
}

func (r *freshMetadata) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	m, err := protocol.RoundTrip(rw, r.version, 1, clientID, &r.Request)
	if err != nil {
		return nil, err
	}
	answer, ok := m.(*metadata.Response)
	if !ok {
		return nil, fmt.Errorf("%w: %T", errAnswer, m)
	}
	// kafka.Transport takes a *metadata.Response for its own doing.
	r.answer = answer
	return r, nil
}
