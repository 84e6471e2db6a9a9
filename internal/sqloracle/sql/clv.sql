-- clv_churn: "ARPA a month × margin / 30-day churn; null at churn 0 or fewer than
-- min_sample customers".
-- clv_purchase: "mean purchase × purchases a year × years".
-- clv_net: "yearly revenue × years − acquisition cost".
-- clv_observed: "receipts less refunds so far, per customer with at least one
-- receipt".
-- ltv_cac: "clv_churn / acquisition cost".
--
-- Decisions:
--   * min_sample is compared with the customers at the end of the day.
--   * Purchases a year, and yearly revenue, are those of the window (30d, 90d) for
--     each customer who ordered in it, times 365 / its days: the mean purchase is
--     revenue / orders, the purchases are orders / buyers.
--   * clv_observed is a level: up to the end of the day, each payment at its own
--     day's rate; refunds of unknown orders lower it too.

INSERT INTO figures (kpi, unit, win, segment, day, num, num_unit, den, den_unit)
WITH parts AS (
  SELECT segment, day, m.mrr, c.customers, k.lost, k.at_start
  FROM mrr_of m JOIN customers_of c USING (segment, day) JOIN churn k USING (segment, day) WHERE k.win = '30d'
), clv AS ( -- mrr / customers * margin / (lost / at_start)
  SELECT segment, day, mrr * getvariable('margin_ppm') AS num, 332640000000 * 1000000000000::HUGEINT AS num_unit,
         CASE WHEN customers < getvariable('min_sample') THEN 0 ELSE customers * lost END AS den, greatest(at_start, 1) AS den_unit
  FROM parts
)
SELECT 'clv_churn', 'money', '', segment, day, num, num_unit, den, den_unit FROM clv
UNION ALL
SELECT 'ltv_cac', 'ratio', '', segment, day, num, num_unit, den * getvariable('acquisition_cost'), den_unit FROM clv;

INSERT INTO figures (kpi, unit, win, segment, day, num, num_unit, den)
WITH yearly AS (
  SELECT r.*, CASE win WHEN '30d' THEN 30 ELSE 90 END AS n FROM revenue r WHERE win IN ('30d', '90d')
)
SELECT 'clv_purchase', 'money', win, segment, day, gross * 365 * getvariable('lifetime_years_ppm'), n * 1000000000000000000::HUGEINT, buyers
FROM yearly
UNION ALL
SELECT 'clv_net', 'money', win, segment, day,
       gross * 365 * getvariable('lifetime_years_ppm') - getvariable('acquisition_cost')::HUGEINT * buyers * n * 1000000000000000000::HUGEINT,
       n * 1000000000000000000::HUGEINT, buyers
FROM yearly;

INSERT INTO figures (kpi, unit, win, segment, day, num, num_unit, den)
SELECT 'clv_observed', 'money', '', g.segment, g.day, worth(CASE WHEN c.back THEN -c.amount ELSE c.amount END, c.rate), 1000000000000::HUGEINT,
       count(DISTINCT c.customer) FILTER (NOT c.back)
FROM grid g LEFT JOIN cash c ON c.segment = g.segment AND c.day <= g.day WHERE g.win = '' GROUP BY ALL;
