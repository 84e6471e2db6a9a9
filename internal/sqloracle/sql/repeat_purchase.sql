-- repeat_purchase_rate: "customers with ≥ 2 distinct orders not fully refunded /
-- customers with ≥ 1, in the window; _lifetime over all time; windows 30d, 90d".
--
-- Decisions:
--   * An order lies in a window when its first purchase does, so that orders of
--     days add up; it is left out when it is fully refunded at the window's end.
--   * The same orders as of the KPI orders: subscription charges are among them
--     unless orders_include_subscriptions is false.
--   * _lifetime is a level: over all time up to the end of the day.

CREATE TABLE ordering AS
WITH orders AS (
  SELECT customer, order_id, arg_min(day, seq) AS day FROM purchases
  WHERE refund_of IS NULL AND (every IS NULL OR getvariable('orders_include_subscriptions')) GROUP BY customer, order_id
)
SELECT s.segment, o.* FROM orders o JOIN customer_segments s USING (customer);

INSERT INTO figures (kpi, unit, win, segment, day, num, den)
WITH standing AS (
  SELECT g.win, g.segment, g.day, o.customer, count(*) AS orders
  FROM grid g JOIN ordering o ON o.segment = g.segment AND o.day <= g.last AND (g.win = '' OR o.day >= g.first)
  WHERE g.win IN ('', '30d', '90d')
    AND NOT EXISTS (FROM refunded r WHERE r.customer = o.customer AND r.order_id = o.order_id AND r.day <= g.last AND g.last < r.until)
  GROUP BY ALL
)
SELECT CASE g.win WHEN '' THEN 'repeat_purchase_rate_lifetime' ELSE 'repeat_purchase_rate' END, 'ratio', g.win, g.segment, g.day,
       count(*) FILTER (s.orders >= 2), count(s.customer)
FROM grid g LEFT JOIN standing s USING (win, segment, day) WHERE g.win IN ('', '30d', '90d') GROUP BY ALL;
