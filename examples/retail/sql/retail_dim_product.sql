SELECT DISTINCT ON (l.stock_code)
    l.stock_code,
    l.description
FROM silver.invoice_lines AS l
-- Of several descriptions at one moment the first by name: the same, whatever the order of the files.
ORDER BY l.stock_code, (l.description IS NULL), l.invoiced_at DESC, l.description
