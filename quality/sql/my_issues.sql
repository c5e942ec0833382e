-- Causes of exceptions of the tables that the person who signed in to the database may see, with how many rows are open.
CREATE VIEW dwh_lineage.my_issues WITH (security_barrier) AS
SELECT i.id, i.target, i.rule, i.column_name, i.cause, i.title, i.first_seen_at, u.username AS assignee, i.snoozed_until,
    coalesce((SELECT sum(d.delta) FROM dwh_lineage.issue_deltas AS d WHERE d.issue_id = i.id), 0)::bigint AS open
FROM dwh_lineage.quality_issues AS i
LEFT JOIN public.auth_user AS u ON u.id = i.assignee_id
WHERE i.target = ANY (ARRAY(SELECT dwh_lineage.my_targets('quality.view_qualityexception')));
COMMENT ON VIEW dwh_lineage.my_issues IS 'Causes of exceptions that the person who signed in may see';
