SELECT
    c.customer_id,
    count(DISTINCT f.order_id)::integer AS total_orders,
    sum(f.line_total)::numeric(12, 2) AS lifetime_value,
    (sum(f.line_total) / count(DISTINCT f.order_id))::numeric(10, 2) AS avg_order_value,
    min(d.full_date) AS first_order_date,
    max(d.full_date) AS last_order_date
FROM gold.fact_sales AS f
JOIN gold.dim_customer AS c ON c.customer_key = f.customer_key
JOIN gold.dim_date AS d ON d.date_key = f.date_key
WHERE c.customer_key > 0
GROUP BY c.customer_id
