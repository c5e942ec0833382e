-- Which failures are tried again, and when: seconds to wait after a failure with in_sqlstate, the step having failed
-- in_failures times before; NULL: not again. The one table of it, for workers and for runs from SQL alone.
-- The n-th pause is about first · 2ⁿ seconds, never more than longest; half of it is chance, so that steps that collided
-- do not collide again. What is not here (22xxx data, 23xxx constraints, 42xxx names and rights, AS… our own) would fail
-- the same way again, and fails at once. Locks nothing.
CREATE FUNCTION dwh_lineage.seconds_until_retry(in_sqlstate text, in_failures integer)
RETURNS double precision
LANGUAGE sql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT least(r.longest, r.first * 2 ^ in_failures) * (0.5 + random() / 2)
    FROM (
        VALUES
            ('40001', 20, 0.2, 10),  -- serialization: somebody else was quicker
            ('40P01', 10, 0.5, 30),  -- deadlock
            ('55P03', 60, 5, 60),  -- lock timeout: another load of the table may take long
            ('57P0', 8, 1, 60),  -- the server stops, starts, or an administrator ended the session
            ('08', 8, 1, 60),  -- the connection broke
            ('25P03', 5, 1, 60),  -- its process stood still in its transaction
            ('53', 8, 5, 120)  -- too many connections, disk full, out of memory
    ) AS r (beginning, tries, first, longest)
    WHERE starts_with(in_sqlstate, r.beginning) AND in_failures + 1 < r.tries
$$;
COMMENT ON FUNCTION dwh_lineage.seconds_until_retry(text, integer) IS 'Which failures are tried again, and when';
