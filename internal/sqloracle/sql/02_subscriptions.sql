-- Subscriptions: what each pays a month, from which day to which.
--
-- "MRR is the sum of active subscriptions' amounts per month: year/12, quarter/3,
-- week×52/12, day×365/12, exactly, rounded once at the end: an amount is an int64
-- in units of 1/332,640 of a minor unit. Trials, one-off purchases, tax and
-- refunds don't move it. A subscription not renewed within its interval plus
-- lapse_grace lapses at that due time (a timer; configurable: never)."
--
-- "A cancellation takes effect at effective, by timer; configurable modes
-- effective (default), immediate. A cancellation is withdrawn by the signal
-- cancellation_withdrawn, or, with uncancel: purchase, by a purchase of that
-- subscription before the effective date. A duplicate cancellation changes
-- nothing. A month after 31 January is 28 or 29 February."
--
-- What holds at a moment is what the last turn up to it says. Of turns at one
-- moment an end that was scheduled comes first, then a lapse, then purchases,
-- which start anew, then cancellations with immediate effect (events come in the
-- order of their kinds, and what was scheduled was before them).
--
-- Decisions:
--   * An effective date in the past is the cancellation's own time.
--   * A cancellation means the subscriptions that were bought before it in the
--     order of events; one that finds none does nothing.
--   * A renewal at the very moment at which a subscription lapses comes after it.
--   * An interval's end has the purchase's time of day. Where the zone has that
--     time twice or not at all on that day, the offset is that in force at the
--     moment which reads the same in UTC, or where that is not in force at the
--     result, the one in force there (what Go's time.Date does); where that leads
--     out of the day, the first moment of the day or after it.

-- The offset in force, and the moment of a local time by it.
CREATE MACRO offset_at(ms) AS epoch_ms(local_time(ms)) - ms;
CREATE MACRO by_offset(wall) AS CASE
  WHEN offset_at(epoch_ms(wall) - offset_at(epoch_ms(wall))) = offset_at(epoch_ms(wall)) THEN epoch_ms(wall) - offset_at(epoch_ms(wall))
  ELSE epoch_ms(wall) - offset_at(epoch_ms(wall) - offset_at(epoch_ms(wall))) END;
-- The first moment of a day or after it, on the quarter of an hour.
CREATE MACRO day_start(d) AS list_min(list_filter(
  [epoch_ms(d::TIMESTAMP) + q * 900000 FOR q IN range(-96, 97)], lambda t: local_day(t) >= d));
CREATE MACRO from_wall(wall) AS CASE WHEN local_day(by_offset(wall)) = wall::DATE THEN by_offset(wall) ELSE day_start(wall::DATE) END;
CREATE MACRO after_interval(ts, every, n) AS from_wall(local_time(ts) + CASE every
  WHEN 'day' THEN to_days(n) WHEN 'week' THEN to_days(7 * n) WHEN 'month' THEN to_months(n)
  WHEN 'quarter' THEN to_months(3 * n) WHEN 'year' THEN to_months(12 * n) END);

CREATE TABLE charges AS
SELECT seq, customer, subscription, ts, day, every, every_count, currency,
       recurring * CASE every WHEN 'day' THEN 365 * 332640 // 12 WHEN 'week' THEN 52 * 332640 // 12
         WHEN 'month' THEN 332640 WHEN 'quarter' THEN 332640 // 3 WHEN 'year' THEN 332640 // 12 END // every_count AS monthly
FROM purchases WHERE every IS NOT NULL;

CREATE TABLE turns AS
WITH lapses AS (
  SELECT *, after_interval(ts, every, every_count) + getvariable('lapse_grace') AS due
  FROM charges WHERE getvariable('lapse_grace') >= 0
), ends AS (
  SELECT DISTINCT c.customer, p.subscription, c.effective, c.seq, c.ts, c.reason
  FROM cancellations c JOIN charges p ON p.customer = c.customer AND p.seq < c.seq
    AND (c.subscription IS NULL OR c.subscription = p.subscription)
), all_turns AS (
  SELECT customer, subscription, ts AS moment, 'purchase' AS turn, 3 AS place, seq, currency, monthly, NULL AS reason FROM charges
  UNION ALL
  SELECT customer, subscription, due, 'lapse', 2, seq, NULL, 0, NULL FROM lapses l
  WHERE NOT EXISTS (FROM charges r WHERE r.customer = l.customer AND r.subscription = l.subscription AND r.seq > l.seq AND r.ts < l.due)
  UNION ALL
  SELECT customer, subscription, effective, 'end', CASE WHEN effective = ts THEN 4 ELSE 1 END, seq, NULL, 0, reason FROM ends e
  WHERE effective = ts OR NOT EXISTS (
    FROM events w WHERE w.customer = e.customer AND w.seq > e.seq AND w.ts < e.effective AND w.signal = 'cancellation_withdrawn'
      AND w.type = 'signal' AND coalesce(nullif((w.body->>'ref'), ''), e.subscription) = e.subscription
  ) AND NOT EXISTS (
    FROM charges u WHERE getvariable('uncancel') AND u.customer = e.customer AND u.subscription = e.subscription
      AND u.seq > e.seq AND u.ts < e.effective
  )
)
SELECT *, local_day(moment) AS day, row_number() OVER subscription AS step, lag(turn) OVER subscription AS turn_before
FROM all_turns WINDOW subscription AS (PARTITION BY customer, subscription ORDER BY moment, place, seq);

-- A cancellation took effect where it ended a subscription: the turn before was
-- no end. One that ends several is one.
CREATE TABLE effective_cancellations AS
SELECT DISTINCT customer, seq, day, reason FROM turns WHERE turn = 'end' AND turn_before = 'purchase';

-- Recurring amounts at the end of each day, by customer and currency; no zeros.
CREATE TABLE mrr_days AS
WITH states AS ( -- the last turn of a day holds up to the next day with one
  SELECT customer, subscription, day, arg_max(monthly, step) AS monthly, arg_max(coalesce(currency, ''), step) AS currency,
         lead(day, 1, DATE '9999-01-01') OVER (PARTITION BY customer, subscription ORDER BY day) AS until
  FROM turns GROUP BY customer, subscription, day
)
SELECT s.customer, d.day, s.currency, sum(s.monthly)::HUGEINT AS monthly
FROM states s JOIN days d ON d.day >= s.day AND d.day < s.until WHERE s.monthly > 0
GROUP BY s.customer, d.day, s.currency;
