-- A value of a change event as text. in_type: the name that its schema gives its type, or NULL; in_scale: of a decimal.
-- What is not of its type stays as it stands, so that a cast in silver shows it.
CREATE FUNCTION dwh_etl.cdc_text(in_value jsonb, in_type text, in_scale integer)
RETURNS text
LANGUAGE sql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(
        CASE in_type
            WHEN 'org.apache.kafka.connect.data.Decimal' THEN dwh_etl.cdc_decimal(in_value #>> '{}', in_scale)::text
            WHEN 'io.debezium.data.VariableScaleDecimal'
                THEN dwh_etl.cdc_decimal(in_value ->> 'value', (in_value ->> 'scale')::integer)::text
            WHEN 'io.debezium.time.Date' THEN to_char(dwh_etl.cdc_moment(d.seconds, 's'), 'YYYY-MM-DD')
            WHEN 'org.apache.kafka.connect.data.Date' THEN to_char(dwh_etl.cdc_moment(d.seconds, 's'), 'YYYY-MM-DD')
            WHEN 'io.debezium.time.Timestamp' THEN to_char(dwh_etl.cdc_moment(in_value, 'ms'), d.second)
            WHEN 'org.apache.kafka.connect.data.Timestamp' THEN to_char(dwh_etl.cdc_moment(in_value, 'ms'), d.second)
            WHEN 'io.debezium.time.MicroTimestamp' THEN to_char(dwh_etl.cdc_moment(in_value, 'us'), d.second)
            WHEN 'io.debezium.time.NanoTimestamp' THEN to_char(dwh_etl.cdc_moment(in_value, 'ns'), d.second)
            WHEN 'io.debezium.time.Time' THEN to_char(dwh_etl.cdc_moment(in_value, 'ms'), 'HH24:MI:SS.US')
            WHEN 'org.apache.kafka.connect.data.Time' THEN to_char(dwh_etl.cdc_moment(in_value, 'ms'), 'HH24:MI:SS.US')
            WHEN 'io.debezium.time.MicroTime' THEN to_char(dwh_etl.cdc_moment(in_value, 'us'), 'HH24:MI:SS.US')
            WHEN 'io.debezium.time.NanoTime' THEN to_char(dwh_etl.cdc_moment(in_value, 'ns'), 'HH24:MI:SS.US')
        END,
        in_value #>> '{}'
    )
    FROM (
        SELECT 'YYYY-MM-DD HH24:MI:SS.US' AS second,
            CASE WHEN jsonb_typeof(in_value) = 'number' THEN to_jsonb(in_value::numeric * 86400) END AS seconds
    ) AS d
$$;
COMMENT ON FUNCTION dwh_etl.cdc_text(jsonb, text, integer) IS 'A value of a change event as text';
