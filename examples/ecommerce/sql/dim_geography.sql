SELECT DISTINCT
    c.country,
    c.city,
    n.country_name,
    n.region
FROM silver.customers AS c
JOIN (
    VALUES
        ('AT', 'Austria', 'Europe'),
        ('CH', 'Switzerland', 'Europe'),
        ('DE', 'Germany', 'Europe'),
        ('ES', 'Spain', 'Europe'),
        ('FR', 'France', 'Europe'),
        ('GB', 'United Kingdom', 'Europe'),
        ('US', 'United States', 'North America')
) AS n (country, country_name, region) ON n.country = c.country
