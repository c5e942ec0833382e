-- A text as its source should have sent it, or NULL where it is not what in_how is about. in_how:
-- trimmed, upper, lower (trimmed, too); number:point and number:comma, a number with that decimal mark, whose thousands
-- separators, currency sign or code go; date:dmy:FORM, date:mdy:FORM, date:ymd:FORM, a date in that order, which gets
-- the form, as in DD.MM.YYYY. What follows a date after a blank stays.
CREATE FUNCTION dwh_lineage.mended(in_how text, in_text text)
RETURNS text
LANGUAGE plpgsql
IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_text text := btrim(in_text);
    l_order text := split_part(in_how, ':', 2);
    l_form text := split_part(in_how, ':', 3);
    l_separator text := CASE l_order WHEN 'point' THEN ',' ELSE '.' END;
    l_mark text := CASE l_order WHEN 'point' THEN '.' ELSE ',' END;
    l_parts text[];
    l_year text;
    l_month text;
    l_day text;
BEGIN
    IF l_text = '' THEN
        RETURN NULL;
    ELSIF in_how = 'trimmed' THEN
        RETURN l_text;
    ELSIF in_how = 'upper' THEN
        RETURN upper(l_text);
    ELSIF in_how = 'lower' THEN
        RETURN lower(l_text);
    ELSIF starts_with(in_how, 'number:') THEN
        l_text := regexp_replace(l_text, '^([+-]?)\s*(?:[€$£¥₹]|[A-Z]{3})\s*', '\1');
        l_text := regexp_replace(l_text, '\s*(?:[€$£¥₹]|[A-Z]{3})$', '');
        IF l_text ~ format('^[+-]?([0-9]{1,3}([%s ''’\u00A0\u202F][0-9]{3})+|[0-9]+)(\%s[0-9]+)?$', l_separator, l_mark) THEN
            RETURN replace(translate(l_text, l_separator || U&' ''\2019\00A0\202F', ''), l_mark, '.');
        END IF;
    ELSIF starts_with(in_how, 'date:') THEN
        l_parts := regexp_match(l_text, '^([0-9]{1,4})([./-])([0-9]{1,2})\2([0-9]{1,4})(\s.*)?$');
        l_year := CASE l_order WHEN 'ymd' THEN l_parts[1] ELSE l_parts[4] END;
        l_month := lpad(l_parts[CASE l_order WHEN 'mdy' THEN 1 ELSE 3 END], 2, '0');
        l_day := lpad(l_parts[CASE l_order WHEN 'dmy' THEN 1 WHEN 'mdy' THEN 3 ELSE 4 END], 2, '0');
        IF length(l_year) = 4 AND pg_input_is_valid(format('%s-%s-%s', l_year, l_month, l_day), 'date') THEN
            RETURN replace(replace(replace(l_form, 'YYYY', l_year), 'MM', l_month), 'DD', l_day) || coalesce(l_parts[5], '');
        END IF;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION dwh_lineage.mended(text, text) IS 'A text as its source should have sent it';
