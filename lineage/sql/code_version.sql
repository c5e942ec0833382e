-- Twelve hex digits that change with the declaration of one of in_targets, or with in_assay: Assay's version, where a
-- worker asks; a run from SQL alone knows what is installed, and that is all it uses. Locks nothing.
CREATE FUNCTION dwh_lineage.code_version(in_targets text[], in_assay text DEFAULT '')
RETURNS text
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT left(encode(sha256(convert_to(
        in_assay || coalesce(string_agg(t.target || t.contract::text, '' ORDER BY t.target), ''), 'UTF8'
    )), 'hex'), 12)
    FROM dwh_lineage.targets AS t WHERE t.target = ANY (in_targets)
$$;
COMMENT ON FUNCTION dwh_lineage.code_version(text[], text) IS 'Twelve hex digits that change with the code of a run';
