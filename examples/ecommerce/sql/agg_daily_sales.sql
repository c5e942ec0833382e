SELECT
    f.date_key,
    coalesce(c.customer_segment, 'Unknown') AS customer_segment,
    coalesce(p.product_category, 'Unknown') AS product_category,
    count(DISTINCT f.order_id)::integer AS order_count,
    sum(f.quantity)::integer AS item_count,
    sum(f.quantity * f.unit_price)::numeric(12, 2) AS gross_revenue,
    sum(f.discount_amount)::numeric(12, 2) AS discount_total,
    sum(f.tax_amount)::numeric(12, 2) AS tax_total,
    sum(f.line_total)::numeric(12, 2) AS net_revenue,
    -- Of orders, not of lines.
    (sum(f.line_total) / count(DISTINCT f.order_id))::numeric(10, 2) AS avg_order_value
FROM gold.fact_sales AS f
JOIN gold.dim_customer AS c ON c.customer_key = f.customer_key
JOIN gold.dim_product AS p ON p.product_key = f.product_key
GROUP BY 1, 2, 3
