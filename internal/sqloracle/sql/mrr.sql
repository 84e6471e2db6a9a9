-- mrr: "the sum of active subscriptions' amounts per month" (02_subscriptions.sql),
-- "kept per currency and converted on reading at the day's rate".
-- arpa: "MRR / customers".
-- The six movements: "movements per customer between consecutive day ends (up and
-- down on one day is nothing); windows add days. 0→x never paid before: new; 0→x
-- paid before: reactivation; up, down; →0: churn. They add up to the change in
-- MRR." "fx of day d is the level of d−1 times the change of rate, a movement of
-- its own, never expansion. Movements are converted at their day's rate."
--
-- Decisions:
--   * "They add up": contraction and churn are negative.
--   * Whether a customer went from nothing or to nothing is asked over all its
--     currencies together ("the customer churns with the last, the others are
--     contraction"); up and down in each currency by itself, so that a change of
--     currency is contraction in one and expansion in the other.
--   * Paid before: a recurring purchase of an amount over 0 on an earlier day,
--     even one that was undone on its day; also on the basis purchases.
--   * mrr_moved is for what froze before a move, which the facts alone don't tell:
--     here it is 0, as it must be on every day behind the first that is not frozen.

CREATE TABLE mrr_in AS -- with its worth; NULL where there is no rate
SELECT s.segment, m.*, r.rate FROM mrr_days m JOIN customer_segments s USING (customer)
JOIN rate r ON r.currency = m.currency AND r.day = m.day;

CREATE TABLE mrr_of AS -- of every day, for windows begin before the days asked for
SELECT s.segment, d.day, worth(m.monthly, m.rate) AS mrr
FROM segments s CROSS JOIN days d LEFT JOIN mrr_in m ON m.segment = s.segment AND m.day = d.day GROUP BY ALL;

INSERT INTO figures (kpi, unit, win, segment, day, num, num_unit, den)
SELECT 'mrr', 'money', '', segment, day, mrr, 332640 * 1000000000000::HUGEINT, 1 FROM mrr_of JOIN wanted USING (day)
UNION ALL
SELECT 'arpa', 'money', '', segment, day, mrr, 332640 * 1000000000000::HUGEINT, customers
FROM mrr_of JOIN customers_on USING (segment, day) JOIN wanted USING (day);

CREATE TABLE movements AS
WITH steps AS ( -- each customer's amount a currency at the end of a day and of the day before
  SELECT customer, currency, day, coalesce(a.monthly, 0) AS after, coalesce(b.monthly, 0) AS before
  FROM mrr_days a FULL JOIN (SELECT customer, currency, day + 1 AS day, monthly FROM mrr_days) b USING (customer, currency, day)
), whole AS (
  SELECT *, sum(before) OVER c > 0 AS had, sum(after) OVER c > 0 AS has FROM steps WINDOW c AS (PARTITION BY customer, day)
)
SELECT s.segment, w.customer, w.day, w.after - w.before AS amount, r.rate,
       CASE WHEN has AND NOT had AND w.day > f.day THEN 'reactivation' WHEN has AND NOT had THEN 'new'
            WHEN had AND NOT has THEN 'churn' WHEN after > before THEN 'expansion' WHEN after < before THEN 'contraction' END AS movement
FROM whole w JOIN customer_segments s USING (customer) JOIN rate r ON r.currency = w.currency AND r.day = w.day
JOIN (SELECT customer, min(day) AS day FROM charges WHERE monthly > 0 GROUP BY customer) f USING (customer)
WHERE w.after <> w.before AND w.day > (SELECT min(day) FROM days)
UNION ALL
SELECT m.segment, NULL, m.day + 1, m.monthly, r.rate - m.rate, 'fx'
FROM mrr_in m JOIN rate r ON r.currency = m.currency AND r.day = m.day + 1;

CREATE TABLE moved AS -- by window, and in the window of the same length before it
SELECT g.win, g.segment, g.day, k.movement,
       worth(CASE WHEN m.day >= g.first THEN m.amount ELSE 0 END, m.rate) AS amount,
       worth(CASE WHEN m.day < g.first THEN m.amount ELSE 0 END, m.rate) AS amount_before
FROM grid g CROSS JOIN (VALUES ('new'), ('expansion'), ('contraction'), ('churn'), ('reactivation'), ('fx'), ('moved')) k(movement)
LEFT JOIN movements m ON m.segment = g.segment AND m.movement = k.movement AND m.day BETWEEN g.before_first AND g.last
WHERE g.win IN ('1d', '7d', '30d', '90d', 'week', 'month', 'quarter') GROUP BY ALL;

INSERT INTO figures (kpi, unit, win, segment, day, num, num_unit)
SELECT 'mrr_' || movement, 'money', win, segment, day, amount, 332640 * 1000000000000::HUGEINT FROM moved;
