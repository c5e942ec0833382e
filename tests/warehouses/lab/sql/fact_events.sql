SELECT l.region, l.id, v.version_key, m.member_key, d.date_key, l.score
FROM silver.latest AS l
LEFT JOIN gold.dim_version AS v
    ON v.region = l.region AND v.id = l.id AND l.updated >= v.valid_from AND (l.updated < v.valid_to OR v.valid_to IS NULL)
LEFT JOIN gold.dim_member AS m ON m.region = l.region AND m.id = l.id
LEFT JOIN gold.lab_days AS d ON d.full_date = (l.updated AT TIME ZONE 'UTC')::date
