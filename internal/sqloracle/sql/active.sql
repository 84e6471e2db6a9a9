-- dau wau mau: "distinct users with activity in the 1, 7, 30 days ending on d
-- (variants mau_28, mau_calendar)".
-- active_customers: "the same for customers, 1, 7, 30 days".
-- active_24h active_7d active_30d: "distinct users whose last activity hour lies
-- after hour(W) − 24, − 168, − 720, no upper bound, now only".
-- users_ever: a standing count.
-- stickiness: "DAU/MAU on day d; stickiness_avg = sum of each user's active days
-- in the same 30 days / 30 / MAU".
--
-- Decisions:
--   * One person's name at two customers is two users.
--   * "Hours are hours since local midnight": whole hours that have passed since
--     the day's first moment, the 25th the last. Hours are 24 apart when their
--     beginnings are, so that a change of the clock adds or takes none.
--   * mau_calendar is there for weeks, months and quarters.

CREATE TABLE active AS SELECT s.segment, a.* FROM active_days a JOIN customer_segments s USING (customer);

CREATE TABLE actives AS
SELECT g.win, g.segment, g.day, count(DISTINCT a.user_no) AS users, count(DISTINCT a.customer) AS customers,
       count(a.day) AS user_days -- a user's active days in the window, added up
FROM grid g LEFT JOIN active a ON a.segment = g.segment AND a.day BETWEEN g.first AND g.last
WHERE g.win IN ('1d', '7d', '28d', '30d', 'week', 'month', 'quarter') GROUP BY ALL;

INSERT INTO figures (kpi, unit, win, segment, day, num)
SELECT CASE win WHEN '1d' THEN 'dau' WHEN '7d' THEN 'wau' WHEN '30d' THEN 'mau' WHEN '28d' THEN 'mau_28' ELSE 'mau_calendar' END,
       'count', win, segment, day, users
FROM actives;

INSERT INTO figures (kpi, unit, win, segment, day, num)
SELECT 'active_customers', 'count', win, segment, day, customers FROM actives WHERE win IN ('1d', '7d', '30d');

INSERT INTO figures (kpi, unit, win, segment, day, num, den)
SELECT 'stickiness', 'ratio', '30d', m.segment, m.day, d.users, m.users
FROM actives m JOIN actives d ON d.segment = m.segment AND d.day = m.day AND d.win = '1d' WHERE m.win = '30d'
UNION ALL
SELECT 'stickiness_avg', 'ratio', '30d', segment, day, user_days, 30 * users FROM actives WHERE win = '30d';

INSERT INTO figures (kpi, unit, win, segment, day, num)
SELECT 'users_ever', 'count', '', s.segment, getvariable('today'), count(DISTINCT a.user_no)
FROM segments s LEFT JOIN active a ON a.segment = s.segment GROUP BY s.segment;

INSERT INTO figures (kpi, unit, win, segment, day, num)
WITH seen AS ( -- an hour is its beginning
  SELECT g.segment, a.user_no, max(s.ms + 3600000::BIGINT * least((a.ts - s.ms) // 3600000, 24)) AS last_hour
  FROM activity a JOIN starts s USING (day) JOIN customer_segments g USING (customer) GROUP BY ALL
), now AS (
  SELECT ms + 3600000::BIGINT * least((getvariable('watermark') - ms) // 3600000, 24) AS hour FROM starts WHERE day = getvariable('today')
)
SELECT 'active_' || k.win, 'count', k.win, s.segment, getvariable('today'), count(u.user_no)
FROM segments s CROSS JOIN now CROSS JOIN (VALUES ('24h', 24), ('7d', 168), ('30d', 720)) k(win, hours)
LEFT JOIN seen u ON u.segment = s.segment AND u.last_hour > now.hour - 3600000::BIGINT * k.hours
GROUP BY ALL;
