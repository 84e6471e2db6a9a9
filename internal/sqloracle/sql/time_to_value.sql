-- time_to_value, time_to_value_p90: "from a customer's first event to its first value event
-- (configurable): median and p90 over the whole cohort in days 0…365 and beyond,
-- with customers who have not got there yet counted as censored (infinite), not
-- left out; null where the quantile falls there".
--
-- Decisions:
--   * Days are civil days between the two. Every event that something reads is one
--     (docs/events.md: others are ignored), the value event too. A purchase is a
--     value event where it has an amount and is no refund.
--   * The quantile is the nearest rank: the smallest number of days within which
--     at least half (nine tenths) of all customers have got there. No halves.
--   * Beyond 365 days there is no number either: null.
--   * It is for now only.

INSERT INTO figures (kpi, unit, win, segment, day, num, den)
WITH judged AS (
  SELECT *, type IN (SELECT name FROM activity_names) OR 'signal:' || signal IN (SELECT name FROM activity_names) AS is_activity,
         type IN (SELECT name FROM value_names) AND (type <> 'purchase' OR seq IN (SELECT seq FROM purchases WHERE refund_of IS NULL AND amount > 0))
           OR 'signal:' || signal IN (SELECT name FROM value_names) AS is_value,
         len(list_intersect(coalesce(json_keys(body, '$.customer'), []), (SELECT list(name) FROM dimensions) || ['name', 'owner'])) > 0 AS places
  FROM events
), waits AS (
  SELECT s.segment, customer, min(e.day) FILTER (e.is_value) - min(e.day) AS wait
  FROM judged e JOIN customer_segments s USING (customer)
  WHERE e.type IN ('purchase', 'cancellation', 'survey') OR e.is_activity OR e.is_value OR e.places
     OR e.signal IN ('ticket_opened', 'ticket_resolved', 'invoice_late', 'invoice_paid', 'cancellation_withdrawn', 'survey_sent')
  GROUP BY ALL
), reached AS (
  SELECT d.n, s.segment, count(*) FILTER (w.wait <= d.n) AS got, count(w.customer) AS cohort
  FROM segments s CROSS JOIN range(366) d(n) LEFT JOIN waits w ON w.segment = s.segment GROUP BY ALL
)
SELECT q.name, 'days', '', segment, getvariable('today'),
       min(n) FILTER (cohort > 0 AND 10 * got >= q.tenths * cohort), 1
FROM reached CROSS JOIN (VALUES ('time_to_value', 5), ('time_to_value_p90', 9)) q(name, tenths) GROUP BY ALL;
