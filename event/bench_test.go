package event

import (
	"encoding/json"
	"testing"
)

const (
	loginMessage = `{"specversion":"1.0","type":"com.acme.login","source":"/web/auth","id":"01J9ZK3V5T8QW2","time":"2026-11-22T08:15:42.123Z","subject":"cust-000042","datacontenttype":"application/json","data":{"user":"user-000042-1"}}`

	purchaseMessage = `{"specversion":"1.0","type":"com.acme.purchase","source":"/billing","id":"ch_3P0aX9","time":"2026-11-22T08:15:42Z","subject":"cust-000042","data":{"order":"o-88121","amount":"49.90","currency":"USD","interval":"month","plan":"pro"}}`
)

var benchOptions = Options{Prefix: "com.acme.", Currency: Currency{'U', 'S', 'D'}}

func benchmarkDecode(b *testing.B, message string) {
	d := NewDecoder(benchOptions)
	value := []byte(message)
	var ev Event
	b.SetBytes(int64(len(value)))
	b.ReportAllocs()
	for b.Loop() {
		if reason := d.Decode(&ev, value, nil); reason != "" {
			b.Fatal(reason)
		}
	}
}

func BenchmarkDecodeLogin(b *testing.B)    { benchmarkDecode(b, loginMessage) }
func BenchmarkDecodePurchase(b *testing.B) { benchmarkDecode(b, purchaseMessage) }

// What encoding/json takes for the same fields, for the ratio.
func benchmarkStandard(b *testing.B, message string) {
	value := []byte(message)
	b.SetBytes(int64(len(value)))
	b.ReportAllocs()
	for b.Loop() {
		var ev struct {
			SpecVersion, Type, Source, ID, Time, Subject string
			Data                                         struct {
				User, Order, Amount, Currency, Interval, Plan string
			}
		}
		if err := json.Unmarshal(value, &ev); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStandardLogin(b *testing.B)    { benchmarkStandard(b, loginMessage) }
func BenchmarkStandardPurchase(b *testing.B) { benchmarkStandard(b, purchaseMessage) }

func BenchmarkAppendPurchase(b *testing.B) {
	d := NewDecoder(benchOptions)
	var ev Event
	if reason := d.Decode(&ev, []byte(purchaseMessage), nil); reason != "" {
		b.Fatal(reason)
	}
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = ev.AppendPrefixed(dst[:0], "com.acme.")
	}
}
