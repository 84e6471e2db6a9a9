-- cancellations, churn_reasons: "cancellations taking effect in the window, and
-- the same by reason". When one takes effect: 02_subscriptions.sql.
--
-- Decisions: one that ends several subscriptions at once is one. It need not be
-- the customer's last subscription, nor one with an amount. The bucket of
-- churn_reasons is the reason without blanks around it, "none" where none was
-- given or that was; reasons of which there is none in the window have no figure.

INSERT INTO figures (kpi, unit, win, segment, day, num)
WITH taken AS (SELECT s.segment, c.* FROM effective_cancellations c JOIN customer_segments s USING (customer))
SELECT 'cancellations', 'count', g.win, g.segment, g.day, count(t.seq)
FROM grid g LEFT JOIN taken t ON t.segment = g.segment AND t.day BETWEEN g.first AND g.last WHERE g.win <> '' GROUP BY ALL;

INSERT INTO figures (kpi, unit, win, segment, day, bucket, num)
SELECT 'churn_reasons', 'count', g.win, g.segment, g.day, c.reason, count(*)
FROM grid g JOIN customer_segments s ON s.segment = g.segment
JOIN effective_cancellations c ON c.customer = s.customer AND c.day BETWEEN g.first AND g.last WHERE g.win <> '' GROUP BY ALL;
