-- Orders and their refunds.
--
-- "A full refund removes the order from the repeat rate from the refund's day
-- on." "An order of amount 0 counts, one that is fully refunded doesn't from the
-- refund's day on." "Only [a refund] whose order is known takes that order out of
-- the repeat rate, and only from the refund's day on."
--
-- Decisions (docs/adr/0006-refunds.md for the first two):
--   * A refund counts behind a purchase of its order, in the order of events.
--   * An order is fully refunded while there is such a refund and in no currency
--     are its refunds less than its purchases.
--   * An order belongs to its customer: two customers may use one id.

CREATE TABLE order_moves AS
SELECT customer, order_id, seq, day, currency, amount, false AS back FROM purchases WHERE refund_of IS NULL
UNION ALL
SELECT customer, refund_of, seq, day, currency, -amount, true FROM purchases r
WHERE refund_of IS NOT NULL AND EXISTS (
  FROM purchases p WHERE p.customer = r.customer AND p.order_id = r.refund_of AND p.refund_of IS NULL AND p.seq < r.seq);

-- The days from which to which (not included) an order was fully refunded.
CREATE TABLE refunded AS
WITH by_currency AS (
  SELECT d.customer, d.order_id, d.day, m.currency, sum(m.amount) AS open, bool_or(m.back) AS back
  FROM (SELECT DISTINCT customer, order_id, day FROM order_moves) d
  JOIN order_moves m ON m.customer = d.customer AND m.order_id = d.order_id AND m.day <= d.day
  GROUP BY ALL
), states AS (
  SELECT customer, order_id, day, bool_or(back) AND bool_and(open <= 0) AS full,
         lead(day, 1, DATE '9999-01-01') OVER (PARTITION BY customer, order_id ORDER BY day) AS until
  FROM by_currency GROUP BY customer, order_id, day
)
SELECT customer, order_id, day, until FROM states WHERE "full";
