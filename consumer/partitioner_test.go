package consumer

import (
	"strings"
	"testing"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"
	"pgregory.net/rapid"
)

// The vectors of Kafka's own UtilsTest.testMurmur2.
func TestMurmur2AsInJava(t *testing.T) {
	for key, want := range map[string]int32{
		"21":                         -973932308,
		"foobar":                     -790332482,
		"a-little-bit-long-string":   -985981536,
		"a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107,
	} {
		if h := int32(murmur2([]byte(key))); h != want {
			t.Errorf("murmur2(%q) = %d, Java says %d", key, h, want)
		}
	}
}

// Check values of the two other functions as their authors publish them.
func TestCheckValues(t *testing.T) {
	if h := fnv1a([]byte("foobar")); h != 0xbf9cf968 {
		t.Errorf("fnv1a is %08x", h)
	}
	// CRC-32/ISO-HDLC of "123456789" is cbf43926 = 3421780262, 262 of 1,000.
	if p, err := Partition(CRC32, []byte("123456789"), 1000); err != nil || p != 262 {
		t.Errorf("crc32 puts it on %d, %v", p, err)
	}
}

// kafka-go and franz-go are other people's code for the same thing.
func TestPartitionersAgreeWithOtherClients(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOf(rapid.Byte()).Draw(t, "key")
		n := rapid.IntRange(1, 300).Draw(t, "partitions")
		all := make([]int, n)
		for i := range all {
			all[i] = i
		}
		if key == nil {
			key = []byte{}
		}
		msg := kafka.Message{Key: key}
		java := kgo.StickyKeyPartitioner(nil).ForTopic("t")
		for _, c := range []struct {
			name, of string
			want     int
		}{
			{Murmur2, "kafka-go", kafka.Murmur2Balancer{Consistent: true}.Balance(msg, all...)},
			{Murmur2, "franz-go", java.Partition(&kgo.Record{Key: key}, n)},
			{CRC32, "kafka-go", kafka.CRC32Balancer{Consistent: true}.Balance(msg, all...)},
			{FNV1a, "kafka-go", (&kafka.Hash{}).Balance(msg, all...)},
		} {
			p, err := Partition(c.name, key, n)
			if err != nil || p != c.want {
				t.Fatalf("%s of %q among %d: %d, %v; %s says %d", c.name, key, n, p, err, c.of, c.want)
			}
		}
	})
}

func TestUnknownPartitionerIsRefused(t *testing.T) {
	if _, err := Partition("random", nil, 3); err == nil || !strings.Contains(err.Error(), "murmur2, crc32 or fnv1a") {
		t.Errorf("error is %v", err)
	}
	if _, err := Partition(Murmur2, nil, 0); err == nil {
		t.Error("no partitions at all were accepted")
	}
}
