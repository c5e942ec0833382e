-- What a breach may have in common with others of its rule: "=actve", their value; "~99/99/9999", the shape of a value
-- with digits that is no such type or does not match; NULL where only the rule says what is wrong. in_kind: the rule's.
-- In a shape 9 stands for digits and a for letters. Of what looks like a date each part keeps its length, one digit
-- counts as two; elsewhere runs are one character, and a number with its separators is 9 where a unit stands beside it.
-- Inlined into the statement that calls it.
CREATE FUNCTION dwh_lineage.cause_of(in_kind text, in_value text)
RETURNS text
LANGUAGE sql
IMMUTABLE PARALLEL SAFE
AS $$
SELECT CASE
    WHEN in_value IS NULL OR in_kind = 'required' OR length(in_value) > 100 THEN NULL
    WHEN in_kind NOT IN ('castable', 'matches', 'does_not_match') OR in_value !~ '[0-9]' THEN '=' || in_value
    WHEN in_value ~ '^[0-9]{1,4}[./-][0-9]{1,2}[./-][0-9]{1,4}\M' THEN '~' || regexp_replace(
        regexp_replace(translate(in_value, '012345678', '999999999'), '\m9\M', '99', 'g'), '[[:alpha:]]+', 'a', 'g'
    )
    WHEN in_value ~ '^[0-9., ''+-]+$' THEN '~' || regexp_replace(
        regexp_replace(translate(in_value, '012345678', '999999999'), '9+', '9', 'g'), '(9[., ''])\1+', '\1', 'g'
    )
    ELSE '~' || regexp_replace(
        regexp_replace(in_value, '[0-9]+([., ''][0-9]+)*', '9', 'g'), '[[:alpha:]]+', 'a', 'g'
    )
END
$$;
COMMENT ON FUNCTION dwh_lineage.cause_of(text, text) IS 'What a broken value may have in common with others';
