-- The patch that a selection has for one of its rows, or NULL where it has one for all: {"patches": {"17": {…}}} by
-- exception; {"issue": 7, "column": "state", "texts": {"actve": "active"}} by the value that breaks the issue's rule;
-- {"column": "price", "mend": "number:comma"} from the text that arrived (mended). Called by decide for each row.
CREATE FUNCTION dwh_lineage.own_patch(in_selection jsonb, in_exception bigint, in_source_data jsonb)
RETURNS jsonb
LANGUAGE sql
STABLE
AS $$
SELECT CASE
    WHEN in_selection ? 'patches' THEN in_selection -> 'patches' -> in_exception::text
    WHEN in_selection ? 'texts' THEN (
        SELECT jsonb_build_object(in_selection ->> 'column', in_selection -> 'texts' -> b.value)
        FROM dwh_lineage.exception_breaches AS b
        WHERE b.exception_id = in_exception AND b.issue_id = (in_selection ->> 'issue')::bigint
    )
    WHEN in_selection ? 'mend' THEN jsonb_build_object(
        in_selection ->> 'column',
        dwh_lineage.mended(in_selection ->> 'mend', in_source_data ->> (in_selection ->> 'column'))
    )
END
$$;
COMMENT ON FUNCTION dwh_lineage.own_patch(jsonb, bigint, jsonb) IS 'The patch that a selection has for one of its rows';
