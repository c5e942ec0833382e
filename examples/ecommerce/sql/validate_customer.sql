-- What the rules of silver.customers say of an e-mail, a name and a status: whether they hold, and what is wrong. NULL
-- breaks a rule like any other value that is none. Other columns' rules are not asked. See dwh_etl.judge_row.
CREATE FUNCTION dwh_etl.validate_customer(in_email text, in_name text, in_status text)
RETURNS TABLE (is_valid boolean, issues text[])
LANGUAGE sql
AS $$
    SELECT count(*) = 0, coalesce(array_agg(j.message), '{}')
    FROM dwh_etl.judge_row(
        'silver.customers', jsonb_build_object('email', in_email, 'name', in_name, 'status', in_status)
    ) AS j
    WHERE j.column_name IN ('email', 'name', 'status');
$$;
COMMENT ON FUNCTION dwh_etl.validate_customer(text, text, text) IS 'What the rules say of a customer';
