-- What a user may do, and where: a row for each permission (app.codename) and each layer and domain in which it holds (NULL:
-- any). Permissions of a group hold where group_scopes says, everywhere where it says nothing; those of the user's own hold
-- everywhere; a superuser has all. Nothing for who is not active. Locks nothing.
CREATE FUNCTION dwh_lineage.permissions_of(in_user bigint)
RETURNS TABLE (permission text, layer text, domain text)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT c.app_label || '.' || p.codename, nullif(h.layer, ''), nullif(h.domain, '')
    FROM (
        SELECT a.id AS permission_id, '' AS layer, '' AS domain
        FROM public.auth_permission AS a
        JOIN public.auth_user AS u ON u.id = in_user AND u.is_active AND u.is_superuser
        UNION
        SELECT o.permission_id, '', ''
        FROM public.auth_user_user_permissions AS o
        JOIN public.auth_user AS u ON u.id = o.user_id AND u.is_active
        WHERE o.user_id = in_user
        UNION
        SELECT g.permission_id, coalesce(s.layer, ''), coalesce(s.domain, '')
        FROM public.auth_user_groups AS m
        JOIN public.auth_user AS u ON u.id = m.user_id AND u.is_active
        JOIN public.auth_group_permissions AS g ON g.group_id = m.group_id
        LEFT JOIN dwh_lineage.group_scopes AS s ON s.group_id = m.group_id
        WHERE m.user_id = in_user
    ) AS h
    JOIN public.auth_permission AS p ON p.id = h.permission_id
    JOIN public.django_content_type AS c ON c.id = p.content_type_id
$$;
COMMENT ON FUNCTION dwh_lineage.permissions_of(bigint) IS 'What a user may do, and in which layers and domains';
