-- nrr grr: "over S: sum of end MRR / sum of start MRR; sum of min(start, end) /
-- sum of start", "NRR and GRR at the rate of the window's end, each currency of a
-- customer by itself".
-- gross_revenue_churn net_revenue_churn: "(churn + contraction) / MRR at the
-- start; less expansion. They include customers who joined within the window".
-- mrr_decline_rate: "(MRR start − MRR end) / MRR start".
-- expansion_rate: "expansion / MRR at the start". expansion_growth_rate:
-- "(expansion now − expansion before) / expansion before; null when before is 0".
-- quick_ratio: "(new + expansion + reactivation) / (churn + contraction); _strict
-- without reactivation".
--
-- Decisions:
--   * S are the customers with a recurring amount at the window's start, also on
--     the basis purchases.
--   * MRR at the start is worth what it was at the start's rate; movements at
--     their days' rates (as they are published).
--   * Churn and contraction count here without their sign.
--   * "Before" is the window of as many days before the window; of a month or
--     quarter to date it is the whole month or quarter before.

INSERT INTO figures (kpi, unit, win, segment, day, num, den, num_unit, den_unit)
WITH pairs AS (
  SELECT g.win, g.segment, g.day, s.monthly AS start, coalesce(e.monthly, 0) AS at_end, r.rate
  FROM grid g JOIN mrr_in s ON s.segment = g.segment AND s.day = g.first - 1
  JOIN rate r ON r.currency = s.currency AND r.day = g.last
  LEFT JOIN mrr_days e ON e.customer = s.customer AND e.currency = s.currency AND e.day = g.last
  UNION ALL -- a currency that somebody of S pays in at the end only
  SELECT g.win, g.segment, g.day, 0, e.monthly, e.rate
  FROM grid g JOIN mrr_in e ON e.segment = g.segment AND e.day = g.last
  WHERE EXISTS (FROM mrr_days s WHERE s.customer = e.customer AND s.day = g.first - 1)
    AND NOT EXISTS (FROM mrr_days s WHERE s.customer = e.customer AND s.day = g.first - 1 AND s.currency = e.currency)
), sums AS (
  SELECT g.win, g.segment, g.day, worth(start, rate) AS start, worth(at_end, rate) AS at_end, worth(least(start, at_end), rate) AS kept
  FROM grid g LEFT JOIN pairs USING (win, segment, day) WHERE g.win IN ('7d', '30d', '90d', 'month', 'quarter') GROUP BY ALL
)
SELECT x.*, 332640 * 1000000000000::HUGEINT, 332640 * 1000000000000::HUGEINT -- both in minor units
FROM (
  SELECT 'nrr', 'ratio', win, segment, day, at_end, start FROM sums
  UNION ALL SELECT 'grr', 'ratio', win, segment, day, kept, start FROM sums
) x;

CREATE TABLE mrr_windows AS
SELECT g.win, g.segment, g.day, any_value(s.mrr) AS start, any_value(e.mrr) AS at_end,
       sum(m.amount) FILTER (m.movement = 'new') AS fresh, sum(m.amount) FILTER (m.movement = 'reactivation') AS back,
       sum(m.amount) FILTER (m.movement = 'expansion') AS up, sum(m.amount_before) FILTER (m.movement = 'expansion') AS up_before,
       -sum(m.amount) FILTER (m.movement = 'contraction') AS down, -sum(m.amount) FILTER (m.movement = 'churn') AS gone
FROM grid g JOIN moved m USING (win, segment, day)
JOIN mrr_of s ON s.segment = g.segment AND s.day = g.first - 1 JOIN mrr_of e ON e.segment = g.segment AND e.day = g.last
GROUP BY ALL;

INSERT INTO figures (kpi, unit, win, segment, day, num, den, num_unit, den_unit)
SELECT x.*, 332640 * 1000000000000::HUGEINT, 332640 * 1000000000000::HUGEINT
FROM (
  SELECT 'gross_revenue_churn', 'ratio', win, segment, day, gone + down, start FROM mrr_windows
  UNION ALL SELECT 'net_revenue_churn', 'ratio', win, segment, day, gone + down - up, start FROM mrr_windows
  UNION ALL SELECT 'mrr_decline_rate', 'ratio', win, segment, day, start - at_end, start FROM mrr_windows
  UNION ALL SELECT 'expansion_rate', 'ratio', win, segment, day, up, start FROM mrr_windows
  UNION ALL SELECT 'expansion_growth_rate', 'ratio', win, segment, day, up - up_before, up_before FROM mrr_windows
  UNION ALL SELECT 'quick_ratio', 'ratio', win, segment, day, fresh + up + back, gone + down FROM mrr_windows
  UNION ALL SELECT 'quick_ratio_strict', 'ratio', win, segment, day, fresh + up, gone + down FROM mrr_windows
) x;
