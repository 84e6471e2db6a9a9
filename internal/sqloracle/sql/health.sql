-- health_red _amber _green _unknown (customers), health_mean (now only),
-- mrr_at_risk: "MRR of customers whose health is red".
--
-- "score = 100 × Σ weight × points/max_points / Σ weight over signals that have a
-- value. The population is the paying customers. Signals without a value are left
-- out, and under min_coverage of the weight the band is unknown. A login counts
-- from the start of its day, tickets and invoices at their times. Bands are
-- half-open: red [0,50), amber [50,75), green [75,100], with hysteresis as a walk
-- over days: band[d] = step(band[d−1], score at the end of d). Out of unknown
-- there is no hysteresis. The live band is step(band of yesterday, score now)."
-- "The default profile (each signal 0–10 points; min_coverage 0.5 of the weight;
-- hysteresis 3 points: red is left at 53, green is lost below 72)." Its table:
--
--   activity 30  the customer's days in the last 30 with any user active
--                0→0, 1→2, 2→4, 4→6, 8→8, 15→10 (each from that value on)
--   recency  25  days since the later of last active day and first paying day
--                ≤1→10, ≤3→8, ≤7→6, ≤14→3, ≤30→1, more→0
--   survey   15  last NPS answer of anybody there in 90 days, else CSAT; else no value
--                NPS 9–10→10, 7–8→6, 0–6→0; CSAT 5→10, 4→8, 3→4, 1–2→0
--   tickets  15  wait of the oldest open ticket: none→10, <24 h→7, <48 h→4, longer→0
--   invoices 10  late invoices not paid: 0→10, 1→3, 2→0
--   tenure    5  days since first paying: <30→4, <90→6, <365→8, longer→10
--
-- Decisions (docs/adr/0005 for the first two):
--   * Of the events on a ticket or invoice the latest says whether it is open; one
--     opened again while open stays open since the first; of two at the same
--     millisecond the one that opens comes first.
--   * An answer counts from the start of its day. CSAT answers are put onto 1–5,
--     NPS answers as for nps; between whole numbers the step below holds.
--   * A customer's now is the later of the watermark and its latest event. Today's
--     figures have the live band of then; mrr_at_risk has the MRR of the day's end.
--   * A day that the zone skips is a step of the walk like others: its end is the
--     end of the day before.
--   * health_mean is the mean of the scores of the paying customers who have one.

-- Each customer's days from its first paying one to its present one, and the
-- moment that counts: the last millisecond of a day, now of the present one.
CREATE TABLE walked AS
WITH now AS (
  SELECT customer, greatest(getvariable('watermark'), max(ts)) AS now FROM events GROUP BY customer
), each_day AS (
  SELECT f.customer, n.now, f.day AS first_day, unnest(generate_series(f.day, local_day(n.now), INTERVAL 1 DAY))::DATE AS day
  FROM first_paid f JOIN now n USING (customer)
)
SELECT w.customer, w.day, w.first_day, CASE WHEN w.day = local_day(w.now) THEN w.now ELSE n.ms - 1 END AS at_ms
FROM each_day w JOIN starts n ON n.day = w.day + 1;

-- Whether the customer pays at that moment. Money events lie before now, and what
-- comes after it today is scheduled: only subscriptions have that.
CREATE TABLE paying_at AS
WITH states AS (
  SELECT customer, subscription, moment, monthly,
         lead(moment, 1, 9223372036854775807) OVER (PARTITION BY customer, subscription ORDER BY step) AS until
  FROM turns
)
SELECT DISTINCT w.customer, w.day FROM walked w JOIN states s ON s.customer = w.customer AND s.moment <= w.at_ms AND w.at_ms < s.until
WHERE getvariable('basis') = 'subscription' AND s.monthly > 0
UNION
SELECT w.customer, w.day
FROM walked w JOIN purchases p ON p.customer = w.customer AND p.day <= w.day AND p.day > w.day - getvariable('active_purchase_days')::INTEGER
WHERE getvariable('basis') = 'purchases' AND p.refund_of IS NULL
  AND NOT EXISTS (FROM refunded r WHERE r.customer = p.customer AND r.order_id = p.order_id AND r.day <= w.day AND w.day < r.until);

-- The times for which a ticket was open, or an invoice late.
CREATE TABLE spells AS
WITH turning AS (
  SELECT customer, seq, ts, coalesce(nullif(body->>'ref', ''), id) AS ref,
         CASE WHEN signal IN ('ticket_opened', 'ticket_resolved') THEN 'ticket' ELSE 'invoice' END AS kind,
         signal IN ('ticket_opened', 'invoice_late') AS opens
  FROM events WHERE type = 'signal' AND signal IN ('ticket_opened', 'ticket_resolved', 'invoice_late', 'invoice_paid')
), numbered AS (
  SELECT *, row_number() OVER item AS n, lag(opens) OVER item AS open_before
  FROM turning WINDOW item AS (PARTITION BY customer, kind, ref ORDER BY ts, opens DESC, seq)
)
SELECT o.customer, o.kind, o.ref, o.ts AS since, min(c.ts) AS until
FROM numbered o LEFT JOIN numbered c ON c.customer = o.customer AND c.kind = o.kind AND c.ref = o.ref AND c.n > o.n AND NOT c.opens
WHERE o.opens AND NOT coalesce(o.open_before, false) GROUP BY o.customer, o.kind, o.ref, o.ts, o.n;

-- What each signal reads; NULL: it has no value.
CREATE TABLE readings AS
SELECT w.customer, w.day,
       (SELECT count(DISTINCT a.day) FROM active_days a WHERE a.customer = w.customer AND a.day BETWEEN w.day - 29 AND w.day) AS active,
       w.day - greatest(w.first_day, coalesce((SELECT max(a.day) FROM active_days a WHERE a.customer = w.customer AND a.day <= w.day), w.first_day)) AS since_active,
       (SELECT arg_max(CASE WHEN at_least(score, low, high, 9, 10) OR high = 10 AND low = 1 AND score >= 9 THEN 10
                            WHEN high = 10 AND low = 1 THEN CASE WHEN score >= 7 THEN 6 ELSE 0 END
                            WHEN at_least(score, low, high, 7, 10) THEN 6 ELSE 0 END, seq)
        FROM answers a WHERE a.customer = w.customer AND kind = 'nps' AND a.day BETWEEN w.day - 89 AND w.day) AS nps_points,
       (SELECT arg_max(CASE WHEN at_least(score, low, high, 4, 4) THEN 10 WHEN at_least(score, low, high, 3, 4) THEN 8
                            WHEN at_least(score, low, high, 2, 4) THEN 4 ELSE 0 END, seq)
        FROM answers a WHERE a.customer = w.customer AND kind = 'csat' AND a.day BETWEEN w.day - 89 AND w.day) AS csat_points,
       (SELECT w.at_ms - min(since) FROM spells s WHERE s.customer = w.customer AND kind = 'ticket'
          AND since <= w.at_ms AND coalesce(until > w.at_ms, true)) AS ticket_wait,
       (SELECT count(*) FROM spells s WHERE s.customer = w.customer AND kind = 'invoice'
          AND since <= w.at_ms AND coalesce(until > w.at_ms, true)) AS late_invoices,
       w.day - w.first_day AS tenure
FROM walked w;

CREATE TABLE scores AS
WITH points AS (
  SELECT customer, day, unnest([
    {weight: 30, points: CASE WHEN active >= 15 THEN 10 WHEN active >= 8 THEN 8 WHEN active >= 4 THEN 6 WHEN active >= 2 THEN 4 WHEN active >= 1 THEN 2 ELSE 0 END},
    {weight: 25, points: CASE WHEN since_active <= 1 THEN 10 WHEN since_active <= 3 THEN 8 WHEN since_active <= 7 THEN 6
                              WHEN since_active <= 14 THEN 3 WHEN since_active <= 30 THEN 1 ELSE 0 END},
    {weight: 15, points: coalesce(nps_points, csat_points)},
    {weight: 15, points: CASE WHEN ticket_wait IS NULL THEN 10 WHEN ticket_wait < 24 * 3600000 THEN 7 WHEN ticket_wait < 48 * 3600000 THEN 4 ELSE 0 END},
    {weight: 10, points: CASE WHEN late_invoices = 0 THEN 10 WHEN late_invoices = 1 THEN 3 ELSE 0 END},
    {weight: 5, points: CASE WHEN tenure < 30 THEN 4 WHEN tenure < 90 THEN 6 WHEN tenure < 365 THEN 8 ELSE 10 END}
  ]) AS s
  FROM readings
)
SELECT w.customer, w.day, w.first_day, p.customer IS NOT NULL AS pays,
       sum(s.weight * s.points) AS points, sum(s.weight) FILTER (s.points IS NOT NULL) AS weight -- score = 10 points / weight
FROM walked w JOIN points USING (customer, day) LEFT JOIN paying_at p USING (customer, day) GROUP BY ALL;

CREATE MACRO step(before, pays, points, weight) AS CASE
  WHEN NOT pays THEN 'gone'
  WHEN 2 * weight < 100 THEN 'unknown'
  WHEN 10 * points >= weight * CASE before WHEN 'green' THEN 72 ELSE 75 END THEN 'green'
  WHEN 10 * points >= weight * CASE before WHEN 'red' THEN 53 ELSE 50 END THEN 'amber'
  ELSE 'red' END;

CREATE TABLE bands AS
WITH RECURSIVE walk(customer, day, band) AS (
  SELECT customer, day, step('gone', pays, points, weight) FROM scores WHERE day = first_day
  UNION ALL
  SELECT s.customer, s.day, step(w.band, s.pays, s.points, s.weight) FROM walk w JOIN scores s ON s.customer = w.customer AND s.day = w.day + 1
)
FROM walk;

INSERT INTO figures (kpi, unit, win, segment, day, num)
WITH placed AS (SELECT s.segment, b.* FROM bands b JOIN customer_segments s USING (customer))
SELECT 'health_' || k.band, 'count', '', g.segment, g.day, count(p.customer)
FROM grid g CROSS JOIN (VALUES ('red'), ('amber'), ('green'), ('unknown')) k(band)
LEFT JOIN placed p ON p.segment = g.segment AND p.day = g.day AND p.band = k.band
WHERE g.win = '' GROUP BY ALL;

INSERT INTO figures (kpi, unit, win, segment, day, num, num_unit)
SELECT 'mrr_at_risk', 'money', '', g.segment, g.day, worth(CASE WHEN b.band = 'red' THEN m.monthly ELSE 0 END, m.rate), 332640 * 1000000000000::HUGEINT
FROM grid g LEFT JOIN mrr_in m ON m.segment = g.segment AND m.day = g.day LEFT JOIN bands b ON b.customer = m.customer AND b.day = m.day
WHERE g.win = '' GROUP BY ALL;

-- A mean of fractions: rows of one key, whose numerators add up. Points are
-- 100 × num/den.
INSERT INTO figures (kpi, unit, win, segment, day, num, num_unit, den)
WITH here AS (
  SELECT s.segment, c.points, c.weight, count(*) OVER (PARTITION BY s.segment) AS customers
  FROM scores c JOIN customer_segments s USING (customer) WHERE c.pays AND c.day = getvariable('today')
)
SELECT 'health_mean', 'points', '', segment, getvariable('today'), points, 10 * weight, customers FROM here
UNION ALL
SELECT 'health_mean', 'points', '', segment, getvariable('today'), 0, 1, 0 FROM segments WHERE segment NOT IN (SELECT segment FROM here);
