SELECT
    date_trunc('month', d.day)::date AS month,
    sum(d.revenue) AS revenue,
    sum(d.line_count)::bigint AS line_count
FROM gold.retail_daily_revenue AS d
GROUP BY 1
