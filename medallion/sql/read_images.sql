-- Says whose images a gold table reads: in_sources maps tables to "whole", or to "standing" where it sees the standing
-- members of a dimension alone; its other sources' images are none of its business. Locks these tables.
CREATE FUNCTION dwh_etl.read_images(in_target text, in_sources jsonb)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE dwh_lineage.target_inputs AS i SET images = in_sources ->> i.source WHERE i.consumer = in_target;
    PERFORM dwh_etl.ensure_images(i.source) FROM dwh_lineage.target_inputs AS i WHERE i.consumer = in_target;
END
$$;
COMMENT ON FUNCTION dwh_etl.read_images(text, jsonb) IS 'Says whose images a gold table reads';
