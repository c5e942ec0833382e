SELECT e.region, e.id, v.name, e.doubled
FROM gold.fact_events AS e
JOIN gold.dim_version AS v ON v.version_key = e.version_key
