-- revenue revenue_net orders aov: "cash received; less refunds by the day of the
-- refund; distinct order ids (default: the event's id; subscription charges too
-- unless orders_include_subscriptions: false); revenue / orders, per day and
-- window". "Every refund counts in revenue_net and clv_observed on its own day."
--
-- Decisions:
--   * Each payment is worth what it was at its own day's rate.
--   * An order is one of the day of its first purchase, so that orders of days add
--     up; all its purchases are revenue of their days.
--   * aov is of orders: where orders_include_subscriptions is false, subscription
--     charges are revenue but in neither part of aov.

CREATE TABLE cash AS
SELECT s.segment, p.customer, p.day, p.currency, p.amount, p.refund_of IS NOT NULL AS back, r.rate,
       p.refund_of IS NULL AND (p.every IS NULL OR getvariable('orders_include_subscriptions')) AS ordered
FROM purchases p JOIN customer_segments s USING (customer) JOIN rate r ON r.currency = p.currency AND r.day = p.day;

CREATE TABLE revenue AS
WITH taken AS (
  SELECT g.win, g.segment, g.day, worth(CASE WHEN c.back THEN 0 ELSE c.amount END, c.rate) AS gross,
         worth(CASE WHEN c.ordered THEN c.amount ELSE 0 END, c.rate) AS ordered,
         worth(CASE WHEN c.back THEN -c.amount ELSE c.amount END, c.rate) AS net
  FROM grid g LEFT JOIN cash c ON c.segment = g.segment AND c.day BETWEEN g.first AND g.last WHERE g.win <> '' GROUP BY ALL
), counted AS (
  SELECT g.win, g.segment, g.day, count(o.order_id) AS orders
  FROM grid g LEFT JOIN ordering o ON o.segment = g.segment AND o.day BETWEEN g.first AND g.last WHERE g.win <> '' GROUP BY ALL
)
SELECT * FROM taken JOIN counted USING (win, segment, day);

INSERT INTO figures (kpi, unit, win, segment, day, num, num_unit, den)
SELECT 'revenue', 'money', win, segment, day, gross, 1000000000000::HUGEINT, 1 FROM revenue
UNION ALL SELECT 'revenue_net', 'money', win, segment, day, net, 1000000000000::HUGEINT, 1 FROM revenue
UNION ALL SELECT 'aov', 'money', win, segment, day, ordered, 1000000000000::HUGEINT, orders FROM revenue
UNION ALL SELECT 'orders', 'count', win, segment, day, orders, 1, 1 FROM revenue;
