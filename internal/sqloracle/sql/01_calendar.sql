-- Days, windows and rates.
--
-- "In the window" means the N local calendar days ending with and including day
-- d. Calendar windows run from the first to the last day of a week, month or
-- quarter. "A calendar figure to date is the counter as of day(W), keyed by the
-- period's last day (not what coming lapses would make of it)."
--
-- Decisions:
--   * A civil date that the zone skips is a day like others, on which nothing
--     happens: its end is the end of the day before.
--   * A period is shown where one of the days asked for lies in it.

SET VARIABLE today = local_day(getvariable('watermark'));

CREATE MACRO week_first(d) AS CASE getvariable('week_start')
  WHEN 'sunday' THEN d - dayofweek(d)::INTEGER ELSE d - (isodow(d)::INTEGER - 1) END;
CREATE MACRO period_first(win, d) AS CASE win
  WHEN '1d' THEN d WHEN 'week' THEN week_first(d)
  WHEN 'month' THEN date_trunc('month', d)::DATE WHEN 'quarter' THEN date_trunc('quarter', d)::DATE END;
CREATE MACRO period_next(win, first) AS CASE win
  WHEN '1d' THEN first + 1 WHEN 'week' THEN first + 7
  WHEN 'month' THEN (first + INTERVAL 1 MONTH)::DATE WHEN 'quarter' THEN (first + INTERVAL 3 MONTH)::DATE END;

-- Every day that a figure of the days asked for may read: two windows of 90 days,
-- two quarters, and the day before; and to the end of their week and quarter.
CREATE TABLE days AS
SELECT unnest(generate_series(getvariable('from') - 190, least(getvariable('today'), greatest(
  period_next('week', week_first(getvariable('to'))), period_next('quarter', period_first('quarter', getvariable('to')))) - 1), INTERVAL 1 DAY))::DATE AS day;

CREATE TABLE wanted AS SELECT day FROM days WHERE day BETWEEN getvariable('from') AND getvariable('to');

-- The first moment of each day, on the quarter of an hour; of a day that the zone
-- skips, that of the next.
CREATE TABLE starts AS
WITH all_days AS (
  SELECT unnest(generate_series(min(day), max(day) + 2, INTERVAL 1 DAY))::DATE AS day
  FROM (SELECT day FROM events UNION ALL SELECT day FROM days UNION ALL SELECT getvariable('today'))
), moments AS (
  SELECT day, epoch_ms(day::TIMESTAMP) + 900000::BIGINT * unnest(range(-64, 65)) AS ms FROM all_days
)
SELECT day, min(ms) AS ms FROM moments WHERE local_day(ms) >= day GROUP BY day;

-- A figure's window: the day it is keyed by, its first and last day, and those of
-- the window of the same length before. A level has the window "".
CREATE TABLE windows AS
SELECT '' AS win, day, day AS first, day AS last, day - 1 AS before_first, day - 1 AS before_last
FROM wanted
UNION ALL
SELECT n || 'd', day, day - (n - 1)::INTEGER, day, day - (2 * n - 1)::INTEGER, day - n::INTEGER
FROM wanted CROSS JOIN (VALUES (1), (7), (28), (30), (90)) lengths(n)
UNION ALL
SELECT DISTINCT win, period_next(win, period_first(win, day)) - 1, period_first(win, day),
       least(period_next(win, period_first(win, day)) - 1, getvariable('today')),
       period_first(win, period_first(win, day) - 1), period_first(win, day) - 1
FROM wanted CROSS JOIN (VALUES ('week'), ('month'), ('quarter')) calendar(win);

-- Where a figure is wanted, whether anything happened or not.
CREATE TABLE grid AS SELECT * FROM windows CROSS JOIN segments;

-- What one minor unit of a currency is worth in minor units of the reporting
-- currency on a day, times 10^12: the latest rate of the dated table; NULL where
-- none is known.
CREATE TABLE rate AS
SELECT c.currency, d.day,
       CASE WHEN c.currency = getvariable('currency') THEN 1000000000000::HUGEINT
            ELSE (arg_max(r.rate, r.since)::DECIMAL(38,9) * 1000000000)::HUGEINT
                 * (10 ** (3 + decimals(getvariable('currency')) - decimals(c.currency)))::INTEGER END AS rate
FROM (SELECT DISTINCT currency FROM purchases) c CROSS JOIN days d
LEFT JOIN rates r ON r.currency = c.currency AND r.since <= d.day
GROUP BY c.currency, d.day;

-- A sum of amounts at their rates; NULL where one that counts has no rate.
CREATE MACRO worth(amount, rate) AS CASE WHEN bool_or(amount <> 0 AND rate IS NULL) THEN NULL
  ELSE coalesce(sum(amount * rate), 0) END;

-- What comes out. A figure is num/num_unit by den/den_unit; of several rows with
-- one key the numerators add up. NULL is null.
CREATE TABLE figures (
  kpi VARCHAR, unit VARCHAR, win VARCHAR, segment VARCHAR, day DATE, bucket VARCHAR DEFAULT '',
  num HUGEINT, num_unit HUGEINT DEFAULT 1, den HUGEINT DEFAULT 1, den_unit HUGEINT DEFAULT 1
);
