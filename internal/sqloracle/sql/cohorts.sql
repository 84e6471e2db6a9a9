-- cohort_retention: "users by the period of their first activity × periods since:
-- active in exactly that period (N-day) and in it or any later one (unbounded).
-- The exact cell lies in the row of the period of activity; unbounded is a
-- standing count by cohort and last active period, so it is for now only."
--
-- The bucket is the first day of the cohort's week, or its month ("2024-02"); of
-- cohort_retention_unbounded, which shows triangles only, with a plus and the
-- periods since. Numerator: the active ones, denominator: the cohort.
--
-- Decisions: cohorts are by week and month (as the issue says), of users. The
-- oracle has them for every segment, whether asked for or not.

CREATE TABLE cohort_users AS
SELECT p.win, u.segment, u.user_no, period_first(p.win, u.first_day) AS cohort, period_first(p.win, u.last_day) AS last_period
FROM (SELECT segment, user_no, min(day) AS first_day, max(day) AS last_day FROM active GROUP BY ALL) u
CROSS JOIN (VALUES ('week'), ('month')) p(win);

CREATE TABLE cohort_sizes AS SELECT win, segment, cohort, count(*) AS size FROM cohort_users GROUP BY ALL;

CREATE MACRO cohort_name(win, cohort) AS CASE win WHEN 'week' THEN cohort::VARCHAR ELSE strftime(cohort, '%Y-%m') END;
CREATE MACRO periods_since(win, cohort, first) AS CASE win WHEN 'week' THEN (first - cohort) // 7 ELSE date_diff('month', cohort, first) END;

INSERT INTO figures (kpi, unit, win, segment, day, bucket, num, den)
WITH cells AS (
  SELECT u.win, u.segment, u.cohort, w.day, w.first, count(DISTINCT u.user_no) AS active
  FROM windows w JOIN cohort_users u ON u.win = w.win
  JOIN active a ON a.segment = u.segment AND a.user_no = u.user_no AND a.day BETWEEN w.first AND w.last
  GROUP BY ALL
)
SELECT 'cohort_retention', 'ratio', s.win, s.segment, w.day, cohort_name(s.win, s.cohort),
       coalesce(c.active, 0), s.size
FROM windows w JOIN cohort_sizes s ON s.win = w.win AND s.cohort <= w.first
LEFT JOIN cells c ON c.win = s.win AND c.segment = s.segment AND c.cohort = s.cohort AND c.day = w.day;

INSERT INTO figures (kpi, unit, win, segment, day, bucket, num, den)
WITH periods AS (
  SELECT DISTINCT s.win, period_first(s.win, d.day::DATE) AS first
  FROM (SELECT win, min(cohort) AS oldest FROM cohort_sizes GROUP BY win) s
  CROSS JOIN LATERAL (SELECT unnest(generate_series(s.oldest, getvariable('today'), INTERVAL 1 DAY)) AS day) d
)
SELECT 'cohort_retention_unbounded', 'ratio', s.win, s.segment, getvariable('today'),
       cohort_name(s.win, s.cohort) || '+' || periods_since(s.win, s.cohort, p.first), count(*) FILTER (u.last_period >= p.first), count(*)
FROM cohort_sizes s JOIN periods p ON p.win = s.win AND p.first >= s.cohort
JOIN cohort_users u ON u.win = s.win AND u.segment = s.segment AND u.cohort = s.cohort
GROUP BY s.win, s.segment, s.cohort, p.first;
