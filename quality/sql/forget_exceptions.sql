-- Takes the exceptions and issues of in_target away, because the rows that they name are its source's no more. Refused
-- where people have decided about them (AS065): bronze cannot make that again. assay.drop_rows = on lets it pass, and
-- takes the decisions too. For migrations that drop a table or change what it reads.
CREATE FUNCTION dwh_lineage.forget_exceptions(in_target text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_decisions bigint := (SELECT count(*) FROM dwh_lineage.quality_decisions AS d WHERE d.target = in_target)
        + (SELECT count(*) FROM dwh_lineage.quality_exceptions AS e
           WHERE e.target_table = in_target AND e.state = 'rejected');
BEGIN
    IF l_decisions > 0 AND NOT coalesce(nullif(current_setting('assay.drop_rows', true), '')::boolean, false) THEN
        RAISE EXCEPTION 'People have decided % times about rows of %; this would lose it for ever.',
            l_decisions, in_target
            USING ERRCODE = 'AS065',
                  HINT = 'Declare the new table under another name and keep this one; or back it up and, if you mean it: '
                         'PGOPTIONS="-c assay.drop_rows=on".';
    END IF;
    DELETE FROM dwh_lineage.exception_events AS v
    USING dwh_lineage.quality_exceptions AS e WHERE e.id = v.exception_id AND e.target_table = in_target;
    DELETE FROM dwh_lineage.decision_rows AS r
    USING dwh_lineage.quality_decisions AS d WHERE d.id = r.decision_id AND d.target = in_target;
    DELETE FROM dwh_lineage.exception_breaches AS b
    USING dwh_lineage.quality_exceptions AS e WHERE e.id = b.exception_id AND e.target_table = in_target;
    DELETE FROM dwh_lineage.quality_exceptions WHERE target_table = in_target;
    DELETE FROM dwh_lineage.open_row_deltas WHERE target = in_target;
    DELETE FROM dwh_lineage.issue_deltas AS d
    USING dwh_lineage.quality_issues AS i WHERE i.id = d.issue_id AND i.target = in_target;
    DELETE FROM dwh_lineage.issue_events AS v
    USING dwh_lineage.quality_issues AS i WHERE i.id = v.issue_id AND i.target = in_target;
    UPDATE dwh_lineage.quality_decisions SET by_rule_id = NULL WHERE target = in_target AND by_rule_id IS NOT NULL;
    DELETE FROM dwh_lineage.correction_rules AS r
    USING dwh_lineage.quality_issues AS i WHERE i.id = r.issue_id AND i.target = in_target;
    DELETE FROM dwh_lineage.quality_issues WHERE target = in_target;
    DELETE FROM dwh_lineage.waivers WHERE target = in_target;
    -- Append-only for everybody else; the transaction's end puts the guard back.
    PERFORM set_config('pgtrigger.ignore', (
        SELECT array_agg(t.tgname)::text FROM pg_trigger AS t
        WHERE t.tgrelid = 'dwh_lineage.corrections'::regclass AND NOT t.tgisinternal
    ), true);
    DELETE FROM dwh_lineage.correction_replies AS r
    USING dwh_lineage.corrections AS c WHERE c.id = r.correction_id AND c.target = in_target;
    DELETE FROM dwh_lineage.corrections WHERE target = in_target;
    PERFORM set_config('pgtrigger.ignore', '{}', true);
    DELETE FROM dwh_lineage.quality_decisions WHERE target = in_target;
END
$$;
COMMENT ON FUNCTION dwh_lineage.forget_exceptions(text) IS 'Takes the exceptions of a table away';
