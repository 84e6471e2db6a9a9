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
--   * The mean purchase is aov; purchases a year are those for each of the
--     customers at the window's end. What a window had is taken for the year's:
--     a month 12 times, a quarter 4 times, others 365 / their days.
--   * clv_observed is a level: what was received up to the end of the day, at that
--     day's rate ("counters are kept per currency and converted on reading at the
--     day's rate"). A purchase of amount 0 is no receipt; refunds of unknown
--     orders, and of customers without a receipt, lower it too.

INSERT INTO figures (kpi, unit, win, segment, day, num, num_unit, den, den_unit)
WITH parts AS (
  SELECT segment, day, m.mrr, c.customers, k.lost, k.at_start
  FROM mrr_of m JOIN customers_on c USING (segment, day) JOIN churn k USING (segment, day) JOIN wanted USING (day) WHERE k.win = '30d'
), clv AS ( -- mrr / customers * margin / (lost / at_start)
  SELECT segment, day, mrr * getvariable('margin_ppm') AS num, 332640000000 * 1000000000000::HUGEINT AS num_unit,
         CASE WHEN customers < getvariable('min_sample') THEN 0 ELSE customers * lost END AS den, greatest(at_start, 1) AS den_unit
  FROM parts
)
SELECT 'clv_churn', 'money', '', segment, day, num, num_unit, den, den_unit FROM clv
UNION ALL
SELECT 'ltv_cac', 'ratio', '', segment, day, num, num_unit, den * getvariable('acquisition_cost'), den_unit FROM clv;

INSERT INTO figures (kpi, unit, win, segment, day, num, num_unit, den)
WITH yearly AS ( -- a year is times / n windows
  SELECT r.*, c.customers, CASE win WHEN 'month' THEN 12 WHEN 'quarter' THEN 4 ELSE 365 END AS times,
         CASE win WHEN '30d' THEN 30 WHEN '90d' THEN 90 ELSE 1 END AS n
  FROM revenue r JOIN windows w USING (win, day) JOIN customers_on c ON c.segment = r.segment AND c.day = w.last
  WHERE win IN ('30d', '90d', 'month', 'quarter')
)
SELECT 'clv_purchase', 'money', win, segment, day, ordered * times * getvariable('lifetime_years_ppm'), n * 1000000000000000000::HUGEINT, customers
FROM yearly
UNION ALL
SELECT 'clv_net', 'money', win, segment, day,
       gross * times * getvariable('lifetime_years_ppm') - getvariable('acquisition_cost')::HUGEINT * customers * n * 1000000000000000000::HUGEINT,
       n * 1000000000000000000::HUGEINT, customers
FROM yearly;

INSERT INTO figures (kpi, unit, win, segment, day, num, num_unit, den)
WITH received AS ( -- by currency: what came and went again needs no rate
  SELECT g.segment, g.day, c.currency, sum(CASE WHEN c.back THEN -c.amount ELSE c.amount END) AS amount
  FROM grid g JOIN cash c ON c.segment = g.segment AND c.day <= g.day WHERE g.win = '' GROUP BY ALL
), payers AS (
  SELECT g.segment, g.day, count(DISTINCT c.customer) AS payers
  FROM grid g LEFT JOIN cash c ON c.segment = g.segment AND c.day <= g.day AND NOT c.back AND c.amount > 0 WHERE g.win = '' GROUP BY ALL
)
SELECT 'clv_observed', 'money', '', p.segment, p.day, worth(a.amount, r.rate), 1000000000000::HUGEINT, p.payers
FROM payers p LEFT JOIN received a USING (segment, day) LEFT JOIN rate r ON r.currency = a.currency AND r.day = p.day
GROUP BY p.segment, p.day, p.payers;
