SELECT
    d.date_key,
    s.product_id,
    p.product_key,
    s.on_hand,
    s.reserved,
    s.on_hand - s.reserved AS available,
    (s.on_hand * p.price)::numeric(14, 2) AS stock_value
FROM gold.dim_date AS d
JOIN silver.stock AS s
    ON s.valid_from < (d.full_date + 1)::timestamp AT TIME ZONE 'UTC'
    AND (s.valid_to >= (d.full_date + 1)::timestamp AT TIME ZONE 'UTC' OR s.valid_to IS NULL)
LEFT JOIN gold.dim_product AS p
    ON p.product_id = s.product_id
    AND p.valid_from < (d.full_date + 1)::timestamp AT TIME ZONE 'UTC'
    AND (p.valid_to >= (d.full_date + 1)::timestamp AT TIME ZONE 'UTC' OR p.valid_to IS NULL)
-- Up to the last day of which something is known.
WHERE d.full_date <= (SELECT max(k.valid_from AT TIME ZONE 'UTC')::date FROM silver.stock AS k)
    AND d.full_date >= (SELECT min(k.valid_from AT TIME ZONE 'UTC')::date FROM silver.stock AS k)
