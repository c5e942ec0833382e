-- Binds a new waiver to the version that its rule has now: a rule that changes later asks its rows anew. Refuses a rule
-- that the table has not (AS060), or that nobody can waive because the table could not hold the row (AS061).
CREATE FUNCTION dwh_lineage.bind_waiver()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_rule record;
BEGIN
    SELECT r.version, r.can_be_waived INTO l_rule
    FROM dwh_lineage.quality_rules AS r WHERE r.target = NEW.target AND r.rule = NEW.rule AND r.active;
    IF NOT FOUND THEN
        RAISE EXCEPTION '% has no rule %.', NEW.target, NEW.rule
            USING ERRCODE = 'AS060',
                  HINT = format('It has: %s.', (
                      SELECT string_agg(r.rule, ', ' ORDER BY r.position)
                      FROM dwh_lineage.quality_rules AS r WHERE r.target = NEW.target AND r.active
                  ));
    ELSIF NOT l_rule.can_be_waived THEN
        RAISE EXCEPTION 'The rule % of % cannot be waived: the table could not hold the row.', NEW.rule, NEW.target
            USING ERRCODE = 'AS061', HINT = 'Correct the row, or reject it.';
    END IF;
    NEW.rule_version := l_rule.version;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION dwh_lineage.bind_waiver() IS 'Binds a waiver to the version of its rule';

CREATE TRIGGER bind_waiver
BEFORE INSERT ON dwh_lineage.waivers
FOR EACH ROW EXECUTE FUNCTION dwh_lineage.bind_waiver();
