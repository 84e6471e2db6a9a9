package consumer

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// Names of partitioners, as the configuration has them.
const (
	Murmur2 = "murmur2" // Java's default; librdkafka's murmur2, murmur2_random
	CRC32   = "crc32"   // librdkafka's default: consistent, consistent_random
	FNV1a   = "fnv1a"   // Sarama's default, kafka-go's Hash
)

// Partition returns the partition, 0 to n-1, on which the named partitioner puts
// a key. An empty key is hashed as any other; which partition a message without
// a key goes to is its producer's secret.
func Partition(name string, key []byte, n int) (int, error) {
	if n <= 0 {
		return 0, fmt.Errorf("partition of %d: a topic has one partition at the least", n)
	}
	switch name {
	case Murmur2:
		return int(murmur2(key)&0x7fffffff) % n, nil
	case CRC32:
		return int(crc32.ChecksumIEEE(key) % uint32(n)), nil
	case FNV1a:
		p := int32(fnv1a(key)) % int32(n)
		return int(max(p, -p)), nil
	}
	return 0, fmt.Errorf("unknown partitioner %q: use %s, %s or %s", name, Murmur2, CRC32, FNV1a)
}

// murmur2 is the hash of Kafka's Java clients.
func murmur2(b []byte) uint32 {
	const (
		seed = 0x9747b28c
		m    = 0x5bd1e995
		r    = 24
	)
	h := seed ^ uint32(len(b))
	for ; len(b) >= 4; b = b[4:] {
		k := binary.LittleEndian.Uint32(b) * m
		h = h*m ^ (k^k>>r)*m
	}
	switch len(b) {
	case 3:
		h ^= uint32(b[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(b[1]) << 8
		fallthrough
	case 1:
		h = (h ^ uint32(b[0])) * m
	}
	h = (h ^ h>>13) * m
	return h ^ h>>15
}

func fnv1a(b []byte) uint32 {
	const offset, prime = 2166136261, 16777619
	h := uint32(offset)
	for _, c := range b {
		h = (h ^ uint32(c)) * prime
	}
	return h
}
