SELECT
    c.customer_key,
    c.customer_id,
    c.email,
    c.name,
    c.customer_segment,
    coalesce(l.total_orders, 0) AS total_orders,
    coalesce(l.lifetime_value, 0) AS lifetime_value,
    l.avg_order_value,
    l.first_order_date,
    l.last_order_date,
    l.last_order_date - l.first_order_date AS customer_tenure_days
FROM gold.dim_customer AS c
-- By the customer, not by the version: what somebody bought under an old address counts too.
LEFT JOIN gold.agg_customer_ltv AS l ON l.customer_id = c.customer_id
WHERE c.is_current
