SELECT m.region, m.id, m.name, m.state
FROM silver.members AS m
WHERE m.is_current
