-- Trigger of quality_issues: a new issue is notified in the transaction that raises it, which is that of a load or of a
-- tick. SECURITY DEFINER, for loads need not be allowed to write notifications.
CREATE FUNCTION dwh_lineage.notify_of_new_issue()
RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM dwh_lineage.notify_once(
        'issue ' || NEW.id, 'issue', NEW.id, NEW.title, format('%s, rule %s', NEW.target, NEW.rule)
    );
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION dwh_lineage.notify_of_new_issue() IS 'Notifies of an issue that is new';
CREATE TRIGGER notify_of_issue AFTER INSERT ON dwh_lineage.quality_issues
    FOR EACH ROW EXECUTE FUNCTION dwh_lineage.notify_of_new_issue();
