-- What time it is for schedules, freshness and notifications: the server's clock, never that of a worker's machine.
-- A function of its own, so that a test can replace it in its own database and live through days without waiting.
CREATE FUNCTION dwh_lineage.clock()
RETURNS timestamptz
LANGUAGE sql
VOLATILE
RETURN clock_timestamp();
COMMENT ON FUNCTION dwh_lineage.clock() IS 'The time by which schedules start and freshness is judged';
