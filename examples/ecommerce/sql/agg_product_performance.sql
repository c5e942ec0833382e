SELECT
    p.product_id,
    count(DISTINCT f.order_id)::integer AS order_count,
    sum(f.quantity)::integer AS units_sold,
    sum(f.line_total)::numeric(12, 2) AS net_revenue,
    (sum(f.line_total) / sum(f.quantity))::numeric(10, 2) AS avg_unit_revenue,
    min(s.on_hand) AS on_hand
FROM gold.fact_sales AS f
JOIN gold.dim_product AS p ON p.product_key = f.product_key
LEFT JOIN silver.stock AS s ON s.product_id = p.product_id AND s.is_current
WHERE p.product_key > 0
GROUP BY p.product_id
