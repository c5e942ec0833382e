SELECT
    (l.invoiced_at AT TIME ZONE 'UTC')::date AS day,
    coalesce(l.country, 'Unspecified') AS country,
    sum(l.quantity * l.unit_price) AS revenue,
    count(*) AS line_count,
    count(DISTINCT l.invoice_no) AS invoice_count
FROM silver.invoice_lines AS l
GROUP BY 1, 2
