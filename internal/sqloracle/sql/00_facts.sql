-- The facts: what happened, read from the lines of events (CloudEvents 1.0 in
-- JSON, one a line) by DuckDB's own JSON, decimals and time zones.
--
-- Decisions, where kpis.md and docs/events.md leave one:
--   * Of events with one source and id the first in the order of events counts.
--   * An empty string is as good as absent, but for a cancellation's subscription.
--   * A customer is everybody of whom there is an event of a known type.

-- Moments are Unix milliseconds, days are civil days of the workspace's zone.
CREATE MACRO local_time(ms) AS timezone(getvariable('zone'), timezone('UTC', epoch_ms(ms::BIGINT)));
CREATE MACRO local_day(ms) AS local_time(ms)::DATE;
CREATE MACRO moment(rfc3339) AS epoch_ms(rfc3339::TIMESTAMPTZ);

-- ISO 4217: how many decimals a currency has.
CREATE MACRO decimals(currency) AS CASE
  WHEN currency IN ('BIF','CLP','DJF','GNF','ISK','JPY','KMF','KRW','PYG','RWF','UGX','UYI','VND','VUV','XAF','XOF','XPF') THEN 0
  WHEN currency IN ('BHD','IQD','JOD','KWD','LYD','OMR','TND') THEN 3
  WHEN currency IN ('CLF','UYW') THEN 4
  ELSE 2 END;
CREATE MACRO minor(amount, currency) AS (amount::DECIMAL(30,4) * (10 ** decimals(currency))::INTEGER)::HUGEINT;

-- "The order of events is (event time, login < purchase < cancellation < survey
-- < signal, source, id)": seq.
CREATE TABLE events AS
WITH read AS (
  SELECT line->>'source' AS source, line->>'id' AS id, line->>'subject' AS customer,
         line->>'type' AS type, line->>'time' AS written, coalesce(line->'data', '{}') AS body
  FROM lines
), known AS (
  SELECT source, id, customer, type, moment(written) AS ts, body,
         list_position(['login', 'purchase', 'cancellation', 'survey', 'signal'], type) AS kind
  FROM read WHERE kind IS NOT NULL
), once AS (
  SELECT * FROM known QUALIFY row_number() OVER (PARTITION BY source, id ORDER BY ts, kind, customer) = 1
)
SELECT row_number() OVER (ORDER BY ts, kind, source, id) AS seq, * EXCLUDE kind,
       coalesce(nullif(body->>'user', ''), customer) AS person,
       dense_rank() OVER (ORDER BY customer, person) AS user_no, -- a person at a customer
       body->>'name' AS signal, local_day(ts) AS day
FROM once;

-- "What counts as a user's activity is configured": event types, or signal:NAME.
CREATE TABLE activity AS
SELECT customer, user_no, ts, day FROM events
WHERE type IN (SELECT name FROM activity_names) OR type = 'signal' AND 'signal:' || signal IN (SELECT name FROM activity_names);

-- Whoever was active on a day was: a second login on it changes nothing.
CREATE TABLE active_days AS SELECT DISTINCT customer, user_no, day FROM activity;

CREATE TABLE purchases AS
SELECT seq, customer, ts, day, id, upper(coalesce(nullif(body->>'currency', ''), getvariable('currency'))) AS currency,
       minor(body->>'amount', currency) AS amount,
       coalesce(nullif(body->>'order', ''), id) AS order_id,
       nullif(body->>'refund_of', '') AS refund_of,
       coalesce(body->>'subscription', '') AS subscription,
       CASE WHEN refund_of IS NULL THEN nullif(body->>'interval', '') END AS every,
       coalesce((body->>'interval_count')::INTEGER, 1) AS every_count,
       minor(coalesce(body->>'recurring_amount', body->>'amount'), currency) AS recurring
FROM events WHERE type = 'purchase';

CREATE TABLE cancellations AS
SELECT seq, customer, ts, day, body->>'subscription' AS subscription, -- NULL: all
       CASE WHEN lower(trim(coalesce(body->>'reason', ''))) IN ('', 'none') THEN 'none' ELSE trim(body->>'reason') END AS reason,
       CASE WHEN getvariable('cancel_at_once') OR (body->>'effective') IS NULL THEN ts
            ELSE greatest(ts, moment(body->>'effective')) END AS effective
FROM events WHERE type = 'cancellation';

-- Scores and scales are decimals of three digits.
CREATE TABLE answers AS
WITH scales(kind, low, high) AS (VALUES ('nps', 0, 10), ('csat', 1, 5), ('ces', 1, 7), ('cli', 1, 10))
SELECT e.seq, e.customer, e.day, e.body->>'kind' AS kind,
       coalesce(nullif(e.body->>'respondent', ''), e.customer) AS respondent,
       coalesce(e.body->>'campaign', '') AS campaign, coalesce(e.body->>'ref', '') AS ref,
       (e.body->>'score')::DECIMAL(12,3) AS score,
       coalesce((e.body->'scale'->>'min')::DECIMAL(12,3), s.low) AS low,
       coalesce((e.body->'scale'->>'max')::DECIMAL(12,3), s.high) AS high,
       e.body->'answers' AS named
FROM events e JOIN scales s ON s.kind = (e.body->>'kind') WHERE e.type = 'survey';

-- "Attributes are the latest per attribute by the same order; null removes."
-- Objects and arrays are ignored.
CREATE TABLE attributes AS
WITH given AS (
  SELECT customer, seq, unnest(json_keys(body, '$.customer')) AS name, body->'customer' AS attrs
  FROM events WHERE json_type(body, '$.customer') = 'OBJECT'
)
SELECT customer, name, arg_max_null(attrs->>name, seq) AS value
FROM given WHERE json_type(attrs->name) NOT IN ('OBJECT', 'ARRAY')
GROUP BY customer, name;

-- "A customer counts where its latest attributes put it (none = "")"; and in the whole.
CREATE TABLE customer_segments AS
WITH customers AS (SELECT DISTINCT customer FROM events)
SELECT customer, '' AS segment FROM customers
UNION ALL
SELECT c.customer, d.name || '=' || coalesce(a.value, '')
FROM customers c CROSS JOIN dimensions d LEFT JOIN attributes a ON a.customer = c.customer AND a.name = d.name;

CREATE TABLE segments AS SELECT DISTINCT segment FROM customer_segments UNION SELECT '';
