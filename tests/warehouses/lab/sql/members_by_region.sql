SELECT m.region, count(*) AS members, count(DISTINCT m.name) AS names, sum(m.score) AS score
FROM silver.members AS m
WHERE m.is_current
GROUP BY m.region
