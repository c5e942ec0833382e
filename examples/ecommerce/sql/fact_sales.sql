SELECT
    i.order_id,
    i.order_line_number,
    c.customer_key,
    p.product_key,
    g.geography_key,
    d.date_key,
    i.quantity,
    i.unit_price,
    i.discount AS discount_amount,
    i.tax AS tax_amount,
    o.order_sk AS _silver_order_sk
FROM silver.order_items AS i
JOIN silver.orders AS o ON o.order_id = i.order_id
LEFT JOIN gold.dim_date AS d ON d.full_date = (o.ordered_at AT TIME ZONE 'UTC')::date
LEFT JOIN gold.dim_customer AS c
    ON c.customer_id = o.customer_id
    AND o.ordered_at >= c.valid_from AND (o.ordered_at < c.valid_to OR c.valid_to IS NULL)
LEFT JOIN gold.dim_product AS p
    ON p.product_id = i.product_id
    AND o.ordered_at >= p.valid_from AND (o.ordered_at < p.valid_to OR p.valid_to IS NULL)
LEFT JOIN gold.dim_geography AS g ON g.country = c.country AND g.city = c.city
WHERE i.is_current AND o.is_current AND o.status NOT IN ('cancelled', 'returned')
