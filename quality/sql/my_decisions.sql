-- Decisions about the tables that the person who signed in to the database may see.
CREATE VIEW dwh_lineage.my_decisions WITH (security_barrier) AS
SELECT d.id, d.verb, d.target, d.state, d.selection, d.patch, d.rule, d.undoes_id, d.reason, a.username AS author,
    p.username AS approver, d.needs_approval, d.selected, d.landed, d.failing, d.rejected, d.overtaken, d.created_at,
    d.finished_at
FROM dwh_lineage.quality_decisions AS d
JOIN public.auth_user AS a ON a.id = d.author_id
LEFT JOIN public.auth_user AS p ON p.id = d.approver_id
WHERE d.target = ANY (ARRAY(SELECT dwh_lineage.my_targets('quality.view_qualityexception')));
COMMENT ON VIEW dwh_lineage.my_decisions IS 'Decisions that the person who signed in may see';
