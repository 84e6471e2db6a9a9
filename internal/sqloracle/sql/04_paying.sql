-- Who is a paying customer at the end of which day.
--
-- "customers with a recurring amount > 0 at the end of d (customer_basis:
-- subscription), or customers with a purchase in the last active_purchase_days =
-- 90 (customer_basis: purchases; an order of amount 0 counts, one that is fully
-- refunded doesn't from the refund's day on); never both."
--
-- Decisions:
--   * A subscription's charge is a purchase on the basis purchases too.
--   * The first paying day is that of the first purchase that makes its customer
--     paying, even where a cancellation or refund of the same day undid it.

CREATE TABLE paying AS
SELECT DISTINCT customer, day FROM mrr_days WHERE getvariable('basis') = 'subscription'
UNION
SELECT p.customer, d.day
FROM purchases p JOIN days d ON p.day <= d.day AND p.day > d.day - getvariable('active_purchase_days')::INTEGER
WHERE getvariable('basis') = 'purchases' AND p.refund_of IS NULL
  AND NOT EXISTS (FROM refunded r WHERE r.customer = p.customer AND r.order_id = p.order_id AND r.day <= d.day AND d.day < r.until);

CREATE TABLE first_paid AS
SELECT customer, min(day) AS day FROM (
  SELECT customer, day FROM charges WHERE getvariable('basis') = 'subscription' AND monthly > 0
  UNION ALL
  SELECT customer, day FROM purchases WHERE getvariable('basis') = 'purchases' AND refund_of IS NULL
) GROUP BY customer;
