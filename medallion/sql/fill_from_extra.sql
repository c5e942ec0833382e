-- fill_column from _extra, where rows that came before have kept what nobody had declared. in_headers: the names under which
-- files bring it, the best one first; like an ingestion it takes a header as it stands before one that differs in case
-- and blanks alone. Locks the table.
CREATE PROCEDURE dwh_etl.fill_from_extra(in_target text, in_column text, in_headers text[])
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_folded text[] := ARRAY(SELECT lower(btrim(u.header)) FROM unnest(in_headers) AS u (header));
BEGIN
    CALL dwh_etl.fill_column(in_target, in_column, format(
        '(SELECT e.value FROM jsonb_each_text(r._extra) AS e
        WHERE lower(btrim(e.key)) = ANY (%2$L::text[])
        ORDER BY array_position(%1$L::text[], e.key), array_position(%2$L::text[], lower(btrim(e.key)))
        LIMIT 1)', in_headers, l_folded
    ));
END
$$;
COMMENT ON PROCEDURE dwh_etl.fill_from_extra(text, text, text[]) IS 'Fills a new bronze column from _extra';
