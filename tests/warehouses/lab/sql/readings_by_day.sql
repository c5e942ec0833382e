SELECT (r.at AT TIME ZONE 'UTC')::date AS day, count(*) AS readings, sum(r.amount) AS amount
FROM silver.readings AS r
WHERE r.at IS NOT NULL -- it may be waived
GROUP BY 1
