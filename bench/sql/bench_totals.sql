SELECT
    f.date_key, c.customer_segment, p.product_category, count(*) AS lines, sum(f.quantity) AS items,
    sum(f.quantity * f.unit_price - f.discount) AS revenue
FROM gold.bench_fact AS f
JOIN gold.dim_customer AS c ON c.customer_key = f.customer_key
JOIN gold.dim_product AS p ON p.product_key = f.product_key
GROUP BY 1, 2, 3
