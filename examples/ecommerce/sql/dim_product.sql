SELECT
    p.product_id,
    p.name AS product_name,
    p.category AS product_category,
    p.price,
    CASE WHEN p.price < 20 THEN 'low' WHEN p.price < 60 THEN 'middle' ELSE 'high' END AS price_band,
    p.valid_from,
    p.valid_to,
    p.is_current,
    p.product_sk AS _silver_sk
FROM silver.products AS p
