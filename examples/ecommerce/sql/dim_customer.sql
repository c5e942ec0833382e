SELECT
    c.customer_id,
    c.email,
    c.email_domain,
    c.name,
    c.status,
    -- As of today, on all versions: a segment is no history.
    CASE WHEN s.spent >= 500 THEN 'high_value' WHEN s.spent > 0 THEN 'regular' ELSE 'new' END AS customer_segment,
    c.created_on AS acquisition_date,
    c.channel AS acquisition_channel,
    c.city,
    c.country,
    c.valid_from,
    c.valid_to,
    c.is_current,
    c.customer_sk AS _silver_sk
FROM silver.customers AS c
LEFT JOIN (
    SELECT o.customer_id, sum(o.total) AS spent
    FROM silver.orders AS o
    WHERE o.is_current AND o.status NOT IN ('cancelled', 'returned')
    GROUP BY o.customer_id
) AS s ON s.customer_id = c.customer_id
