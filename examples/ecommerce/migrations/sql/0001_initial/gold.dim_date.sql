CREATE TABLE gold.dim_date (
    date_key integer NOT NULL PRIMARY KEY,
    full_date date NOT NULL UNIQUE,
    year smallint NOT NULL,
    quarter smallint NOT NULL,
    month smallint NOT NULL,
    week smallint NOT NULL,
    iso_year smallint NOT NULL,
    day_of_month smallint NOT NULL,
    day_of_week smallint NOT NULL,
    day_of_year smallint NOT NULL,
    month_name text NOT NULL,
    month_short text NOT NULL,
    day_name text NOT NULL,
    day_short text NOT NULL,
    quarter_name text NOT NULL,
    is_weekend boolean NOT NULL,
    is_holiday boolean NOT NULL,
    holiday_name text,
    fiscal_year smallint NOT NULL,
    fiscal_quarter smallint NOT NULL,
    fiscal_month smallint NOT NULL,
    is_current_day boolean NOT NULL DEFAULT false,
    is_current_week boolean NOT NULL DEFAULT false,
    is_current_month boolean NOT NULL DEFAULT false,
    is_current_quarter boolean NOT NULL DEFAULT false,
    is_current_year boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE gold.dim_date IS 'Every day from 2020 to 2030; the fiscal year starts in July.';
-- The unknown day.
INSERT INTO gold.dim_date (date_key, full_date, year, quarter, month, week, iso_year, day_of_month, day_of_week, day_of_year, month_name, month_short, day_name, day_short, quarter_name, is_weekend, is_holiday, holiday_name, fiscal_year, fiscal_quarter, fiscal_month)
VALUES (-1, '0001-01-01', 0, 0, 0, 0, 0, 0, 0, 0, 'Unknown', 'Unknown', 'Unknown', 'Unknown', 'Unknown', false, false, NULL, 0, 0, 0);

-- Adds the days from in_first to in_last to gold.dim_date, and corrects those that are there. Holidays are those
-- of the declared years. Takes the run's id. Locks the table's row in dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.generate_gold_dim_date(in_first date, in_last date, in_batch_id uuid DEFAULT NULL)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
SET plan_cache_mode = force_custom_plan
AS $routine$
DECLARE
    l_load_no bigint;
    l_batch bigint;
    l_inserted bigint;
    l_updated bigint;
    l_all bigint;
BEGIN
    UPDATE dwh_lineage.targets AS t SET load_no = t.load_no + 1 WHERE t.target = 'gold.dim_date'
    RETURNING t.load_no INTO l_load_no;
    DROP TABLE IF EXISTS pg_temp.computed;
    CREATE TEMP TABLE computed ON COMMIT DROP AS
    SELECT
        (to_char(d.day, 'YYYYMMDD')::integer)::integer AS date_key,
        (d.day)::date AS full_date,
        (extract(year FROM d.day))::smallint AS year,
        (extract(quarter FROM d.day))::smallint AS quarter,
        (extract(month FROM d.day))::smallint AS month,
        (extract(week FROM d.day))::smallint AS week,
        (extract(isoyear FROM d.day))::smallint AS iso_year,
        (extract(day FROM d.day))::smallint AS day_of_month,
        (extract(dow FROM d.day))::smallint AS day_of_week,
        (extract(doy FROM d.day))::smallint AS day_of_year,
        (to_char(d.day, 'FMMonth'))::text AS month_name,
        (to_char(d.day, 'FMMon'))::text AS month_short,
        (to_char(d.day, 'FMDay'))::text AS day_name,
        (to_char(d.day, 'FMDy'))::text AS day_short,
        ('Q' || extract(quarter FROM d.day))::text AS quarter_name,
        (extract(isodow FROM d.day) > 5)::boolean AS is_weekend,
        (d.holiday IS NOT NULL)::boolean AS is_holiday,
        (d.holiday)::text AS holiday_name,
        (extract(year FROM d.day + make_interval(months => 6)))::smallint AS fiscal_year,
        (extract(quarter FROM d.day + make_interval(months => 6)))::smallint AS fiscal_quarter,
        (extract(month FROM d.day + make_interval(months => 6)))::smallint AS fiscal_month
    FROM (
        SELECT s.day::date AS day, h.name AS holiday
        FROM generate_series(in_first, in_last, interval '1 day') AS s (day)
        LEFT JOIN jsonb_each_text(jsonb_build_object(
            '2020-01-01', 'New Year''s Day',
            '2020-04-10', 'Good Friday',
            '2020-04-13', 'Easter Monday',
            '2020-05-01', 'Labor Day',
            '2020-05-21', 'Ascension Day',
            '2020-06-01', 'Pentecost Monday',
            '2020-10-03', 'German Unity Day',
            '2020-12-25', 'Christmas Day',
            '2020-12-26', 'Second Day of Christmas',
            '2021-01-01', 'New Year''s Day',
            '2021-04-02', 'Good Friday',
            '2021-04-05', 'Easter Monday',
            '2021-05-01', 'Labor Day',
            '2021-05-13', 'Ascension Day',
            '2021-05-24', 'Pentecost Monday',
            '2021-10-03', 'German Unity Day',
            '2021-12-25', 'Christmas Day',
            '2021-12-26', 'Second Day of Christmas',
            '2022-01-01', 'New Year''s Day',
            '2022-04-15', 'Good Friday',
            '2022-04-18', 'Easter Monday',
            '2022-05-01', 'Labor Day',
            '2022-05-26', 'Ascension Day',
            '2022-06-06', 'Pentecost Monday',
            '2022-10-03', 'German Unity Day',
            '2022-12-25', 'Christmas Day',
            '2022-12-26', 'Second Day of Christmas',
            '2023-01-01', 'New Year''s Day',
            '2023-04-07', 'Good Friday',
            '2023-04-10', 'Easter Monday',
            '2023-05-01', 'Labor Day',
            '2023-05-18', 'Ascension Day',
            '2023-05-29', 'Pentecost Monday',
            '2023-10-03', 'German Unity Day',
            '2023-12-25', 'Christmas Day',
            '2023-12-26', 'Second Day of Christmas',
            '2024-01-01', 'New Year''s Day',
            '2024-03-29', 'Good Friday',
            '2024-04-01', 'Easter Monday',
            '2024-05-01', 'Labor Day',
            '2024-05-09', 'Ascension Day',
            '2024-05-20', 'Pentecost Monday',
            '2024-10-03', 'German Unity Day',
            '2024-12-25', 'Christmas Day',
            '2024-12-26', 'Second Day of Christmas',
            '2025-01-01', 'New Year''s Day',
            '2025-04-18', 'Good Friday',
            '2025-04-21', 'Easter Monday',
            '2025-05-01', 'Labor Day',
            '2025-05-29', 'Ascension Day'
        ) || jsonb_build_object(
            '2025-06-09', 'Pentecost Monday',
            '2025-10-03', 'German Unity Day',
            '2025-12-25', 'Christmas Day',
            '2025-12-26', 'Second Day of Christmas',
            '2026-01-01', 'New Year''s Day',
            '2026-04-03', 'Good Friday',
            '2026-04-06', 'Easter Monday',
            '2026-05-01', 'Labor Day',
            '2026-05-14', 'Ascension Day',
            '2026-05-25', 'Pentecost Monday',
            '2026-10-03', 'German Unity Day',
            '2026-12-25', 'Christmas Day',
            '2026-12-26', 'Second Day of Christmas',
            '2027-01-01', 'New Year''s Day',
            '2027-03-26', 'Good Friday',
            '2027-03-29', 'Easter Monday',
            '2027-05-01', 'Labor Day',
            '2027-05-06', 'Ascension Day',
            '2027-05-17', 'Pentecost Monday',
            '2027-10-03', 'German Unity Day',
            '2027-12-25', 'Christmas Day',
            '2027-12-26', 'Second Day of Christmas',
            '2028-01-01', 'New Year''s Day',
            '2028-04-14', 'Good Friday',
            '2028-04-17', 'Easter Monday',
            '2028-05-01', 'Labor Day',
            '2028-05-25', 'Ascension Day',
            '2028-06-05', 'Pentecost Monday',
            '2028-10-03', 'German Unity Day',
            '2028-12-25', 'Christmas Day',
            '2028-12-26', 'Second Day of Christmas',
            '2029-01-01', 'New Year''s Day',
            '2029-03-30', 'Good Friday',
            '2029-04-02', 'Easter Monday',
            '2029-05-01', 'Labor Day',
            '2029-05-10', 'Ascension Day',
            '2029-05-21', 'Pentecost Monday',
            '2029-10-03', 'German Unity Day',
            '2029-12-25', 'Christmas Day',
            '2029-12-26', 'Second Day of Christmas',
            '2030-01-01', 'New Year''s Day',
            '2030-04-19', 'Good Friday',
            '2030-04-22', 'Easter Monday',
            '2030-05-01', 'Labor Day',
            '2030-05-30', 'Ascension Day',
            '2030-06-10', 'Pentecost Monday',
            '2030-10-03', 'German Unity Day',
            '2030-12-25', 'Christmas Day',
            '2030-12-26', 'Second Day of Christmas'
        )) AS h (day, name) ON h.day::date = s.day::date
    ) AS d;
    GET DIAGNOSTICS l_all = ROW_COUNT;

    UPDATE gold.dim_date AS g
    SET full_date = c.full_date, year = c.year, quarter = c.quarter, month = c.month, week = c.week, iso_year = c.iso_year, day_of_month = c.day_of_month, day_of_week = c.day_of_week, day_of_year = c.day_of_year, month_name = c.month_name, month_short = c.month_short, day_name = c.day_name, day_short = c.day_short, quarter_name = c.quarter_name, is_weekend = c.is_weekend, is_holiday = c.is_holiday, holiday_name = c.holiday_name, fiscal_year = c.fiscal_year, fiscal_quarter = c.fiscal_quarter, fiscal_month = c.fiscal_month
    FROM pg_temp.computed AS c
    WHERE g.date_key = c.date_key AND ROW(g.full_date, g.year, g.quarter, g.month, g.week, g.iso_year, g.day_of_month, g.day_of_week, g.day_of_year, g.month_name, g.month_short, g.day_name, g.day_short, g.quarter_name, g.is_weekend, g.is_holiday, g.holiday_name, g.fiscal_year, g.fiscal_quarter, g.fiscal_month) IS DISTINCT FROM ROW(c.full_date, c.year, c.quarter, c.month, c.week, c.iso_year, c.day_of_month, c.day_of_week, c.day_of_year, c.month_name, c.month_short, c.day_name, c.day_short, c.quarter_name, c.is_weekend, c.is_holiday, c.holiday_name, c.fiscal_year, c.fiscal_quarter, c.fiscal_month);
    GET DIAGNOSTICS l_updated = ROW_COUNT;

    INSERT INTO gold.dim_date (date_key, full_date, year, quarter, month, week, iso_year, day_of_month, day_of_week, day_of_year, month_name, month_short, day_name, day_short, quarter_name, is_weekend, is_holiday, holiday_name, fiscal_year, fiscal_quarter, fiscal_month)
    SELECT c.date_key, c.full_date, c.year, c.quarter, c.month, c.week, c.iso_year, c.day_of_month, c.day_of_week, c.day_of_year, c.month_name, c.month_short, c.day_name, c.day_short, c.quarter_name, c.is_weekend, c.is_holiday, c.holiday_name, c.fiscal_year, c.fiscal_quarter, c.fiscal_month
    FROM pg_temp.computed AS c
    WHERE NOT EXISTS (SELECT 1 FROM gold.dim_date AS g WHERE g.date_key = c.date_key);
    GET DIAGNOSTICS l_inserted = ROW_COUNT;

    IF l_inserted + l_updated > 0 THEN
        l_batch := dwh_lineage.open_batch('gold.dim_date', 'load', in_batch_id, in_load_no => l_load_no);
        PERFORM dwh_lineage.finish_load(
            l_batch, 'transform', '{}', l_inserted, l_updated, 0, l_all - l_inserted - l_updated
        );
    END IF;
    CALL dwh_etl.flags_gold_dim_date();
END
$routine$;

-- Turns the flags of gold.dim_date to today (UTC). They are no batch: nothing is loaded again because a day went
-- by.
CREATE OR REPLACE PROCEDURE dwh_etl.flags_gold_dim_date()
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
SET plan_cache_mode = force_custom_plan
AS $routine$
DECLARE
    l_today timestamp := date_trunc('day', now() AT TIME ZONE 'UTC');
BEGIN
    UPDATE gold.dim_date AS g
    SET
        is_current_day = date_trunc('day', g.full_date) = date_trunc('day', l_today),
        is_current_week = date_trunc('week', g.full_date) = date_trunc('week', l_today),
        is_current_month = date_trunc('month', g.full_date) = date_trunc('month', l_today),
        is_current_quarter = date_trunc('quarter', g.full_date) = date_trunc('quarter', l_today),
        is_current_year = date_trunc('year', g.full_date) = date_trunc('year', l_today)
    WHERE ROW(g.is_current_day, g.is_current_week, g.is_current_month, g.is_current_quarter, g.is_current_year)
        IS DISTINCT FROM ROW(date_trunc('day', g.full_date) = date_trunc('day', l_today), date_trunc('week', g.full_date) = date_trunc('week', l_today), date_trunc('month', g.full_date) = date_trunc('month', l_today), date_trunc('quarter', g.full_date) = date_trunc('quarter', l_today), date_trunc('year', g.full_date) = date_trunc('year', l_today));
END
$routine$;

-- Makes the declared days of gold.dim_date what they should be, and the flags those of today. Takes the run's
-- id.
CREATE OR REPLACE PROCEDURE dwh_etl.load_gold_dim_date(in_batch_id uuid DEFAULT NULL)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
SET plan_cache_mode = force_custom_plan
AS $routine$
BEGIN
    CALL dwh_etl.generate_gold_dim_date('2020-01-01', '2030-12-31', in_batch_id);
END
$routine$;

-- The load of gold.dim_date, which looks at every day anyway. Takes the run's id.
CREATE OR REPLACE PROCEDURE dwh_etl.rebuild_gold_dim_date(in_batch_id uuid DEFAULT NULL)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
SET plan_cache_mode = force_custom_plan
AS $routine$
BEGIN
    CALL dwh_etl.load_gold_dim_date(in_batch_id);
END
$routine$;

INSERT INTO dwh_lineage.targets (
    target,
    layer,
    kind,
    warehouse,
    description,
    contract,
    rows_relation,
    load_routine,
    rebuild_routine
)
VALUES (
    'gold.dim_date',
    'gold',
    'calendar',
    'ecommerce',
    'Every day from 2020 to 2030; the fiscal year starts in July.',
     E'{"description": "Every day from 2020 to 2030; the fiscal year starts in July.", "first": "2020-01-01", "fiscal_year_starts": 7, "grain": ["date_key"], "holidays": {"2020-01-01": "New Year''s Day", "2020-04-10": "Good Friday", "2020-04-13": "Easter Monday", "2020-05-01": "Labor Day", "2020-05-21": "Ascension Day", "2020-06-01": "Pentecost Monday", "2020-10-03": "German Unity Day", "2020-12-25": "Christmas Day", "2020-12-26": "Second Day of Christmas", "2021-01-01": "New Year''s Day", "2021-04-02": "Good Friday", "2021-04-05": "Easter Monday", "2021-05-01": "Labor Day", "2021-05-13": "Ascension Day", "2021-05-24": "Pentecost Monday", "2021-10-03": "German Unity Day", "2021-12-25": "Christmas Day", "2021-12-26": "Second Day of Christmas", "2022-01-01": "New Year''s Day", "2022-04-15": "Good Friday", "2022-04-18": "Easter Monday", "2022-05-01": "Labor Day", "2022-05-26": "Ascension Day", "2022-06-06": "Pentecost Monday", "2022-10-03": "German Unity Day", "2022-12-25": "Christmas Day", "2022-12-26": "Second Day of Christmas", "2023-01-01": "New Year''s Day", "2023-04-07": "Good Friday", "2023-04-10": "Easter Monday", "2023-05-01": "Labor Day", "2023-05-18": "Ascension Day", "2023-05-29": "Pentecost Monday", "2023-10-03": "German Unity Day", "2023-12-25": "Christmas Day", "2023-12-26": "Second Day of Christmas", "2024-01-01": "New Year''s Day", "2024-03-29": "Good Friday", "2024-04-01": "Easter Monday", "2024-05-01": "Labor Day", "2024-05-09": "Ascension Day", "2024-05-20": "Pentecost Monday", "2024-10-03": "German Unity Day", "2024-12-25": "Christmas Day", "2024-12-26": "Second Day of Christmas", "2025-01-01": "New Year''s Day", "2025-04-18": "Good Friday", "2025-04-21": "Easter Monday", "2025-05-01": "Labor Day", "2025-05-29": "Ascension Day", "2025-06-09": "Pentecost Monday", "2025-10-03": "German Unity Day", "2025-12-25": "Christmas Day", "2025-12-26": "Second Day of Christmas", "2026-01-01": "New Year''s Day", "2026-04-03": "Good Friday", "2026-04-06": "Easter Monday", "2026-05-01": "Labor Day", "2026-05-14": "Ascension Day", "2026-05-25": "Pentecost Monday", "2026-10-03": "German Unity Day", "2026-12-25": "Christmas Day", "2026-12-26": "Second Day of Christmas", "2027-01-01": "New Year''s Day", "2027-03-26": "Good Friday", "2027-03-29": "Easter Monday", "2027-05-01": "Labor Day", "2027-05-06": "Ascension Day", "2027-05-17": "Pentecost Monday", "2027-10-03": "German Unity Day", "2027-12-25": "Christmas Day", "2027-12-26": "Second Day of Christmas", "2028-01-01": "New Year''s Day", "2028-04-14": "Good Friday", "2028-04-17": "Easter Monday", "2028-05-01": "Labor Day", "2028-05-25": "Ascension Day", "2028-06-05": "Pentecost Monday", "2028-10-03": "German Unity Day", "2028-12-25": "Christmas Day", "2028-12-26": "Second Day of Christmas", "2029-01-01": "New Year''s Day", "2029-03-30": "Good Friday", "2029-04-02": "Easter Monday", "2029-05-01": "Labor Day", "2029-05-10": "Ascension Day", "2029-05-21": "Pentecost Monday", "2029-10-03": "German Unity Day", "2029-12-25": "Christmas Day", "2029-12-26": "Second Day of Christmas", "2030-01-01": "New Year''s Day", "2030-04-19": "Good Friday", "2030-04-22": "Easter Monday", "2030-05-01": "Labor Day", "2030-05-30": "Ascension Day", "2030-06-10": "Pentecost Monday", "2030-10-03": "German Unity Day", "2030-12-25": "Christmas Day", "2030-12-26": "Second Day of Christmas"}, "kind": "calendar", "last": "2030-12-31", "layer": "gold", "name": "dim_date", "routines": {"generate_dim_date": "-- Adds the days from in_start_date to in_end_date to gold.dim_date, and corrects those that are there.\\nCREATE PROCEDURE dwh_etl.generate_dim_date(\\n    in_start_date date DEFAULT ''2020-01-01'', in_end_date date DEFAULT ''2030-12-31''\\n)\\nLANGUAGE sql\\nAS $$\\n    CALL dwh_etl.generate_gold_dim_date(in_start_date, in_end_date);\\n$$;\\nCOMMENT ON PROCEDURE dwh_etl.generate_dim_date(date, date) IS ''Adds days to gold.dim_date'';\\n", "update_dim_date_flags": "-- Turns the flags of gold.dim_date to today (UTC); maintenance does it every hour.\\nCREATE PROCEDURE dwh_etl.update_dim_date_flags()\\nLANGUAGE sql\\nAS $$\\n    CALL dwh_etl.flags_gold_dim_date();\\n$$;\\nCOMMENT ON PROCEDURE dwh_etl.update_dim_date_flags() IS ''Turns the flags of gold.dim_date to today'';\\n"}}'::jsonb,
    'gold.dim_date',
    'dwh_etl.load_gold_dim_date',
    'dwh_etl.rebuild_gold_dim_date'
)
ON CONFLICT (target) DO UPDATE SET
    layer = excluded.layer,
    kind = excluded.kind,
    warehouse = excluded.warehouse,
    description = excluded.description,
    contract = excluded.contract,
    rows_relation = excluded.rows_relation,
    load_routine = excluded.load_routine,
    rebuild_routine = excluded.rebuild_routine;

CALL dwh_etl.load_gold_dim_date();

-- Adds the days from in_start_date to in_end_date to gold.dim_date, and corrects those that are there.
CREATE PROCEDURE dwh_etl.generate_dim_date(
    in_start_date date DEFAULT '2020-01-01', in_end_date date DEFAULT '2030-12-31'
)
LANGUAGE sql
AS $$
    CALL dwh_etl.generate_gold_dim_date(in_start_date, in_end_date);
$$;
COMMENT ON PROCEDURE dwh_etl.generate_dim_date(date, date) IS 'Adds days to gold.dim_date';

-- Turns the flags of gold.dim_date to today (UTC); maintenance does it every hour.
CREATE PROCEDURE dwh_etl.update_dim_date_flags()
LANGUAGE sql
AS $$
    CALL dwh_etl.flags_gold_dim_date();
$$;
COMMENT ON PROCEDURE dwh_etl.update_dim_date_flags() IS 'Turns the flags of gold.dim_date to today';
