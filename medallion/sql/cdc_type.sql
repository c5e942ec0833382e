-- What an event's schema says of a column: its object there, with name and parameters. in_schema: of the whole event;
-- in_side: before or after. NULL where there is no schema.
CREATE FUNCTION dwh_etl.cdc_type(in_schema jsonb, in_side text, in_column text)
RETURNS jsonb
LANGUAGE sql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT c.value
    FROM jsonb_path_query(in_schema, 'lax $.fields[*] ? (@.field == $side).fields[*] ? (@.field == $column)',
        jsonb_build_object('side', in_side, 'column', in_column)) AS c (value)
    LIMIT 1
$$;
COMMENT ON FUNCTION dwh_etl.cdc_type(jsonb, text, text) IS 'What an event''s schema says of a column';
