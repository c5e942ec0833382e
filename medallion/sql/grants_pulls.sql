-- What who pulls may write: where a pull has come, in the transaction that lands its page.
SELECT dwh_lineage.grant_to('etl_service', 'INSERT, UPDATE ON dwh_lineage.api_pulls');
