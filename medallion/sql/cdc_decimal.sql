-- A decimal as Kafka Connect writes it: the bytes of a whole number in base64, the highest first, as a two's complement,
-- with in_scale places after the point. NULL where it is none.
CREATE FUNCTION dwh_etl.cdc_decimal(in_base64 text, in_scale integer)
RETURNS numeric
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_bytes bytea;
    l_number numeric := 0;
BEGIN
    IF in_base64 IS NULL OR in_scale IS NULL OR in_base64 !~ '^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$'
        OR in_base64 = '' THEN
        RETURN NULL;
    END IF;
    l_bytes := decode(in_base64, 'base64');
    FOR l_place IN 0 .. length(l_bytes) - 1 LOOP
        l_number := l_number * 256 + get_byte(l_bytes, l_place);
    END LOOP;
    IF get_byte(l_bytes, 0) >= 128 THEN
        l_number := l_number - 256::numeric ^ length(l_bytes);
    END IF;
    -- By its text: a division would round.
    RETURN (trunc(l_number)::text || 'e' || -in_scale)::numeric;
END
$$;
COMMENT ON FUNCTION dwh_etl.cdc_decimal(text, integer) IS 'A decimal as Kafka Connect writes it';
