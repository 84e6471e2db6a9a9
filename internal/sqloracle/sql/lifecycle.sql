-- lifecycle_new _returning _resurrecting _dormant, pulse: "per day, week, month;
-- new: first ever; returning: also the previous period; resurrecting: not the
-- previous, but before; dormant: the previous, not this one (negative); pulse =
-- (new + resurrecting) / |dormant|".
--
-- Decision: a date that the zone skips is a period of a day in which nobody is
-- active: those of the day before are dormant on it and resurrect after it.

CREATE TABLE lives AS
WITH each_user AS (
  SELECT g.win, g.segment, g.day, g.before_first, min(a.day) AS first_day,
         bool_or(a.day >= g.first) AS now, bool_or(a.day BETWEEN g.before_first AND g.before_last) AS before
  FROM grid g JOIN active a ON a.segment = g.segment AND a.day <= g.last
  WHERE g.win IN ('1d', 'week', 'month') GROUP BY g.win, g.segment, g.day, g.before_first, a.user_no
)
SELECT g.win, g.segment, g.day,
       count(*) FILTER (now AND NOT before AND first_day >= g.first) AS fresh,
       count(*) FILTER (now AND before) AS again,
       count(*) FILTER (now AND NOT before AND first_day < g.first) AS resurrecting,
       count(*) FILTER (before AND NOT now) AS dormant
FROM grid g LEFT JOIN each_user u USING (win, segment, day) WHERE g.win IN ('1d', 'week', 'month') GROUP BY ALL;

INSERT INTO figures (kpi, unit, win, segment, day, num)
SELECT 'lifecycle_new', 'count', win, segment, day, fresh FROM lives
UNION ALL SELECT 'lifecycle_returning', 'count', win, segment, day, again FROM lives
UNION ALL SELECT 'lifecycle_resurrecting', 'count', win, segment, day, resurrecting FROM lives
UNION ALL SELECT 'lifecycle_dormant', 'count', win, segment, day, -dormant FROM lives;

INSERT INTO figures (kpi, unit, win, segment, day, num, den)
SELECT 'pulse', 'ratio', win, segment, day, fresh + resurrecting, dormant FROM lives;
