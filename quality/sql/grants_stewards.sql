-- What people do who sign in to the database as members of steward_role: they look at views that show what they may see, and
-- call routines that ask for their permissions. No table is theirs to read or to write.
SELECT dwh_lineage.grant_to('steward_role', 'USAGE ON SCHEMA dwh_lineage');
SELECT dwh_lineage.grant_to(
    'steward_role', 'SELECT ON dwh_lineage.my_exceptions, dwh_lineage.my_issues, dwh_lineage.my_decisions'
);
SELECT dwh_lineage.grant_to('steward_role', 'EXECUTE ON FUNCTION ' || f.routine)
FROM unnest(ARRAY[
    'dwh_lineage.my_targets(text)',
    'dwh_lineage.decide(text, text, jsonb, text, text, jsonb, text, boolean, bigint)',
    'dwh_lineage.approve(bigint, text)',
    'dwh_lineage.stop_decision(bigint, text)',
    'dwh_lineage.undo(bigint, text, text)',
    'dwh_lineage.try_patch(bigint, jsonb, text)',
    'dwh_lineage.keep_correcting(bigint, text, bigint)',
    'dwh_lineage.end_correction_rule(bigint, text)',
    'dwh_lineage.assign_issue(bigint, text, text)',
    'dwh_lineage.snooze_issue(bigint, text, timestamptz, bigint)',
    'dwh_lineage.comment_on_issue(bigint, text, text)',
    'dwh_lineage.override_rule(text, text, text, text, text, text)'
]) AS f (routine);
SELECT dwh_lineage.grant_to('etl_service', 'EXECUTE ON ALL ROUTINES IN SCHEMA dwh_lineage');
SELECT dwh_lineage.grant_to('etl_service', 'SELECT ON ALL TABLES IN SCHEMA dwh_lineage');
