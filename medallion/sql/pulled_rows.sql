-- What the next pull of a table will read again although it has landed: rows near the cursor's end, by their digests.
-- Its loss (or a restore without it) is no harm: these rows then land twice, and history takes them as one.
CREATE TABLE dwh_staging.pulled_rows (
    target text NOT NULL,
    digest bytea NOT NULL,
    pull bigint NOT NULL,
    PRIMARY KEY (target, digest)
);
COMMENT ON TABLE dwh_staging.pulled_rows IS 'Rows that the next pull will read again, by their digests';
