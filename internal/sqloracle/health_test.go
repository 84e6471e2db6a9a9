package sqloracle_test

import "testing"

// acme pays from 1 March on and is there every day up to the 15th. Signals with a
// value: activity 30, recency 25, tickets 15, invoices 10, tenure 5: weight 85.
//
//	1 March: 1 day → 2, 0 days ago → 10, no ticket → 10, no invoice → 10, tenure 4:
//	60 + 250 + 150 + 100 + 20 = 580 of 850: 68.2, amber
//	8 March: 8 days → 8: 240 + 250 + 150 + 100 + 20 = 760 of 850: 89.4, green
//
// On 20 March a ticket waits for 48 hours and more, an invoice is late:
//
//	20 March: 15 days → 10, 5 days ago → 6, 0, 3, 4: 300 + 150 + 0 + 30 + 20 = 500: 58.8, amber
//	23 March: 8 days ago → 3: 300 + 75 + 0 + 30 + 20 = 425 of 850: 50, amber
//	30 March: 15 days ago → 1; 15 days since the 1st: 300 + 25 + 30 + 20 = 375: 44.1, red;
//	31 March: 14 of them within 30 days → 8, tenure 30 → 6: 240 + 25 + 30 + 30 = 325
func TestBands(t *testing.T) {
	f := newFacts(t)
	f.pay("2024-03-01", "acme", "10.00")
	for _, d := range []string{"01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13", "14", "15"} {
		f.login("2024-03-"+d, "acme", "u")
	}
	f.add("2024-03-18 10:00", "signal", "acme", `"name":"ticket_opened","ref":"t1"`)
	f.add("2024-03-20 09:00", "signal", "acme", `"name":"invoice_late","ref":"i1"`)
	o := f.days("2024-03-01", "2024-03-31")
	f.expect(f.compute(o), map[string]string{
		"health_amber on 2024-03-01": "1",
		"health_green on 2024-03-08": "1",
		"health_green on 2024-03-17": "1",
		// The end of the 19th: 38 hours → 4, 4 days ago → 6: 300 + 150 + 60 + 100 + 20 = 630: 74.1, still green (72)
		"health_green on 2024-03-19": "1",
		"health_amber on 2024-03-20": "1",
		"health_amber on 2024-03-29": "1",
		"health_red on 2024-03-30":   "1",
		"mrr_at_risk on 2024-03-30":  "1000",
		"mrr_at_risk on 2024-03-29":  "0",
		"health_mean on 2024-03-31":  "38.23529411764706", // 325 / 850
	})
	// With the ticket resolved on the 30th: 375 + 150 = 525 of 850: 61.8 ≥ 53, amber again.
	f.add("2024-03-30 12:00", "signal", "acme", `"name":"ticket_resolved","ref":"t1"`)
	f.expect(f.compute(o), map[string]string{"health_amber on 2024-03-30": "1"})
	// A detractor: 525 of 1,000: 52.5. Out of red it would take 53; from amber it stays.
	f.answer("2024-03-30 13:00", "acme", "nps", "3")
	f.expect(f.compute(o), map[string]string{"health_amber on 2024-03-30": "1", "health_red on 2024-03-30": "0"})
	f.cancel("2024-03-31 08:00", "acme", "")
	f.expect(f.compute(o), map[string]string{"health_amber on 2024-03-31": "0", "mrr_at_risk on 2024-03-31": "0", "health_mean on 2024-03-31": "null"})
}
