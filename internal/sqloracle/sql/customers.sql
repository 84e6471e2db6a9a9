-- customers: 04_paying.sql. "customers_ever and users_ever: standing counts."
-- customer_churn_rate: "S = customers at the window's start, E = at its end:
-- |S \ E| / |S|. Somebody who left and came back within the window is not lost;
-- somebody who joined within it does not count. Rolling 7, 30, 90 days."
-- retention_rate: "|S ∩ E| / |S| = 1 − churn."
-- silent_customers: "paying customers of whom the later of last active day and
-- first paying day lies ≥ N days (14) before d".
--
-- Decisions:
--   * The window's start is the end of the day before its first day, so that a
--     customer who leaves on the first day is lost in it.
--   * customers_ever counts everybody with a first paying day (04_paying.sql).
--   * A customer is active when any of its users is.

CREATE TABLE payers AS SELECT s.segment, p.* FROM paying p JOIN customer_segments s USING (customer);

CREATE TABLE customers_on AS -- of every day
SELECT s.segment, d.day, count(p.customer) AS customers
FROM segments s CROSS JOIN days d LEFT JOIN payers p ON p.segment = s.segment AND p.day = d.day GROUP BY ALL;

INSERT INTO figures (kpi, unit, win, segment, day, num)
SELECT 'customers', 'count', '', segment, day, customers FROM customers_on JOIN wanted USING (day);

INSERT INTO figures (kpi, unit, win, segment, day, num)
SELECT 'customers_ever', 'count', '', s.segment, getvariable('today'), count(f.customer)
FROM segments s LEFT JOIN (SELECT segment, customer FROM first_paid JOIN customer_segments USING (customer)) f ON f.segment = s.segment GROUP BY s.segment;

CREATE TABLE churn AS
SELECT g.win, g.segment, g.day, count(s.customer) AS at_start, count(*) FILTER (s.customer IS NOT NULL AND e.customer IS NULL) AS lost
FROM grid g LEFT JOIN payers s ON s.segment = g.segment AND s.day = g.first - 1
LEFT JOIN paying e ON e.customer = s.customer AND e.day = g.last
WHERE g.win IN ('7d', '30d', '90d', 'month', 'quarter') GROUP BY ALL;

INSERT INTO figures (kpi, unit, win, segment, day, num, den)
SELECT 'customer_churn_rate', 'ratio', win, segment, day, lost, at_start FROM churn
UNION ALL SELECT 'retention_rate', 'ratio', win, segment, day, at_start - lost, at_start FROM churn;

INSERT INTO figures (kpi, unit, win, segment, day, num)
WITH last_seen AS (
  SELECT p.customer, p.day, greatest(f.day, max(a.day)) AS last_day
  FROM paying p JOIN first_paid f USING (customer) LEFT JOIN active_days a ON a.customer = p.customer AND a.day <= p.day
  JOIN wanted w ON w.day = p.day GROUP BY p.customer, p.day, f.day
), silent AS (
  SELECT segment, l.* FROM last_seen l JOIN customer_segments USING (customer) WHERE l.day - l.last_day >= getvariable('silent_days')
)
SELECT 'silent_customers', 'count', '', g.segment, g.day, count(s.customer)
FROM grid g LEFT JOIN silent s ON s.segment = g.segment AND s.day = g.day WHERE g.win = '' GROUP BY ALL;
