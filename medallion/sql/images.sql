-- Whose batches have images in dwh_staging.images_<table>: a batch that stands here has those of all rows that it changed,
-- unless it changed everything. Unlogged like the images: both go in a crash.
CREATE UNLOGGED TABLE dwh_staging.images (
    batch_no bigint PRIMARY KEY,
    target text NOT NULL,
    rows bigint NOT NULL,
    everything boolean NOT NULL
);
COMMENT ON TABLE dwh_staging.images IS 'Batches whose changed rows are kept, before and after';
