-- What who takes in deliveries may write: that one has come, in the transaction that lands it.
SELECT dwh_lineage.grant_to('etl_service', 'INSERT, UPDATE (rows, unreadable) ON dwh_lineage.feed_deliveries');
