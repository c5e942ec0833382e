SELECT m.region, m.id, m.name, m.score, m.state, m.valid_from, m.valid_to, m.is_current
FROM silver.members AS m
