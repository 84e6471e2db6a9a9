-- active_days_histogram: "users by number of active days: rolling L30 for the
-- whole, per calendar month for segments".
--
-- Decisions: the bucket is the number of days, 1 to 30 (31 in a month); users
-- with none are in no bucket. The months are given for the whole too.

INSERT INTO figures (kpi, unit, win, segment, day, bucket, num)
WITH days_of AS (
  SELECT g.win, g.segment, g.day, a.user_no, count(*) AS n
  FROM grid g JOIN active a ON a.segment = g.segment AND a.day BETWEEN g.first AND g.last
  WHERE g.win = 'month' OR g.win = '30d' AND g.segment = '' GROUP BY ALL
)
SELECT 'active_days_histogram', 'count', win, segment, day, n::VARCHAR, count(*) FROM days_of GROUP BY ALL;
