SELECT coalesce(d.name, '?') AS name, count(*) AS members, count(p.id) AS present
FROM gold.dim_member AS d
LEFT JOIN silver.presences AS p ON p.id = d.id AND p.is_current
GROUP BY 1
