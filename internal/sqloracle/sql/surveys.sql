-- "The latest answer per kind, respondent and campaign (or ref, for surveys after
-- each ticket) within the window counts (by event time, then id)." Windows 30d, 90d.
--
-- nps: "share 9–10 less share 0–6 on 0–10, −100…100; passives stay in the
-- denominator; a 1–10 scale is accepted (detractors ≤ 6)". promoters, passives,
-- detractors: counts.
-- csat: "satisfied / answers; satisfied = the top two of 1–5, the top three of 1–10".
-- response_rate, apart: csat answers / invitations.
-- ces: "share of 5–7 on 1–7".
-- cli: "mean over the questions' means on 1–10, × 10 (range 10–100); cli_norm =
-- (mean − 1)/9 × 100".
--
-- Decisions:
--   * An invitation to a csat survey is the signal survey_sent, whose user is asked
--     and whose ref is the campaign: the latest of each counts, as of answers.
--   * A question is kind, respondent, campaign and ref together; respondents of
--     two customers are two.
--   * Other scales are stretched: nps onto 0–10, ces onto 1–7, cli onto 1–10; the
--     satisfied of another scale for csat are its top quarter.
--   * The questions of cli are an answer's named scores; an answer without any
--     has the one question "", its score.
--   * Of a question that only some of the counting answers have, the mean is over
--     those.

CREATE TABLE counting AS
WITH asked AS (
  SELECT * FROM answers
  UNION ALL BY NAME
  SELECT seq, customer, day, 'invitation' AS kind, person AS respondent, coalesce(body->>'ref', '') AS campaign, '' AS ref
  FROM events WHERE type = 'signal' AND signal = 'survey_sent'
)
SELECT g.win, g.segment, g.day, a.* EXCLUDE day
FROM grid g JOIN customer_segments s ON s.segment = g.segment JOIN asked a ON a.customer = s.customer AND a.day BETWEEN g.first AND g.last
WHERE g.win IN ('30d', '90d')
QUALIFY row_number() OVER (PARTITION BY g.win, g.segment, g.day, a.kind, a.customer, a.respondent, a.campaign, a.ref ORDER BY a.seq DESC) = 1;

-- Whole numbers: a score over the width of the scale, in the comparisons below.
CREATE MACRO at_least(score, low, high, stretched, width) AS (score - low) * width >= stretched * (high - low);

CREATE TABLE votes AS
WITH judged AS (
  SELECT *, CASE WHEN high = 10 AND low IN (0, 1) THEN score >= 9 ELSE at_least(score, low, high, 9, 10) END AS promoter,
         CASE WHEN high = 10 AND low IN (0, 1) THEN score >= 7 ELSE at_least(score, low, high, 7, 10) END AS no_detractor,
         CASE WHEN low = 1 AND high = 10 THEN score >= 8 ELSE at_least(score, low, high, 3, 4) END AS satisfied,
         at_least(score, low, high, 4, 6) AS easy
  FROM counting
)
SELECT g.win, g.segment, g.day,
       count(*) FILTER (kind = 'nps' AND promoter) AS promoters, count(*) FILTER (kind = 'nps' AND no_detractor AND NOT promoter) AS passives,
       count(*) FILTER (kind = 'nps' AND NOT no_detractor) AS detractors,
       count(*) FILTER (kind = 'csat' AND satisfied) AS satisfied, count(*) FILTER (kind = 'csat') AS csat_answers,
       count(*) FILTER (kind = 'invitation') AS invitations,
       count(*) FILTER (kind = 'ces' AND easy) AS easy, count(*) FILTER (kind = 'ces') AS ces_answers
FROM grid g LEFT JOIN judged USING (win, segment, day) WHERE g.win IN ('30d', '90d') GROUP BY ALL;

INSERT INTO figures (kpi, unit, win, segment, day, num, den)
SELECT 'nps', 'points', win, segment, day, promoters - detractors, promoters + passives + detractors FROM votes
UNION ALL SELECT 'promoters', 'count', win, segment, day, promoters, 1 FROM votes
UNION ALL SELECT 'passives', 'count', win, segment, day, passives, 1 FROM votes
UNION ALL SELECT 'detractors', 'count', win, segment, day, detractors, 1 FROM votes
UNION ALL SELECT 'csat', 'ratio', win, segment, day, satisfied, csat_answers FROM votes
UNION ALL SELECT 'response_rate', 'ratio', win, segment, day, csat_answers, invitations FROM votes
UNION ALL SELECT 'ces', 'ratio', win, segment, day, easy, ces_answers FROM votes;

-- A figure of points is 100 × num/den. The terms of a mean of means are rows of
-- one key, one for each question: their numerators add up.
CREATE TABLE cli_terms AS
WITH asked AS (
  SELECT win, segment, day, unnest(CASE WHEN named IS NULL OR len(json_keys(named)) = 0 THEN [''] ELSE json_keys(named) END) AS question,
         score, named, low, high
  FROM counting WHERE kind = 'cli'
), on_ten AS ( -- 1 + 9 (score − low)/(high − low), as a fraction
  SELECT win, segment, day, question,
         (1000 * ((high - low) + 9 * (CASE WHEN question = '' THEN score ELSE (named->>question)::DECIMAL(12,3) END - low)))::HUGEINT AS num,
         (1000 * (high - low))::HUGEINT AS den
  FROM asked
)
SELECT win, segment, day, question, den, sum(num) AS num, -- by width of the scale: fractions of one denominator
       sum(count(*)) OVER (PARTITION BY win, segment, day, question) AS answers,
       (SELECT count(DISTINCT o.question) FROM on_ten o WHERE o.win = t.win AND o.segment = t.segment AND o.day = t.day) AS questions
FROM on_ten t GROUP BY win, segment, day, question, den;

INSERT INTO figures (kpi, unit, win, segment, day, num, num_unit, den)
SELECT 'cli', 'points', win, segment, day, num, den * answers * questions, 10 FROM cli_terms
UNION ALL SELECT 'cli_norm', 'points', win, segment, day, num, den * answers * questions, 9 FROM cli_terms
UNION ALL SELECT DISTINCT 'cli_norm', 'points', win, segment, day, -1, 1, 9 FROM cli_terms
UNION ALL SELECT k.kpi, 'points', g.win, g.segment, g.day, 0, 1, 0
FROM grid g CROSS JOIN (VALUES ('cli'), ('cli_norm')) k(kpi)
WHERE g.win IN ('30d', '90d') AND NOT EXISTS (FROM cli_terms t WHERE t.win = g.win AND t.segment = g.segment AND t.day = g.day);
