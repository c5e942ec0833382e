SELECT v.label, count(*) AS events, sum(e.score) AS score
FROM gold.fact_events AS e
JOIN gold.dim_version AS v ON v.version_key = e.version_key
GROUP BY v.label
