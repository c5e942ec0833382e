"""Who may do what, and where: permissions hold in layers and domains (docs/decisions/017-who-may-act-where.md).

`user.has_perm(permission)` says whether somebody has a permission anywhere, `may(user, permission, target)` whether for
that table. What a list shows is narrowed by `within`.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.db import connection
from django.db.models import Q, QuerySet

from lineage.models import Target

SEE_TABLES = "lineage.view_target"

#: A layer and a domain; None is any.
Place = tuple[str | None, str | None]


class PlacedBackend(ModelBackend):
    """Django's permissions of users and groups, each with the places where it holds. Asked once for each request."""

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Permissions that hold anywhere, or for a table."""
        if not user_obj.is_active or user_obj.is_anonymous:
            return set()
        held = _places(user_obj)
        if obj is None:
            return set(held)
        if not isinstance(obj, Target):
            return set()
        return {permission for permission, places in held.items() if _covers(places, obj)}


def may(user: Any, permission: str, target: str) -> bool:
    """Whether somebody has a permission for a table; for a name that no table has, whether for all tables."""
    names = targets_of(user, permission)
    return names is None or target in names


def places_of(user: Any, permission: str) -> list[Place] | None:
    """Where somebody has a permission; None: everywhere; empty: nowhere."""
    if user.is_active and user.is_superuser:
        return None
    places = _places(user).get(permission, []) if user.is_active and not user.is_anonymous else []
    return None if (None, None) in places else places


def within(rows: QuerySet[Any, Any], user: Any, permission: str, target: str = "target") -> QuerySet[Any, Any]:
    """The rows of tables for which somebody has a permission. `target`: what leads from a row to its table's name."""
    names = targets_of(user, permission)
    return rows if names is None else rows.filter(**{f"{target}__in": names})


def targets_of(user: Any, permission: str) -> frozenset[str] | None:
    """The tables for which somebody has a permission; None: all that there are and will be. Asked once for each
    request."""
    places = places_of(user, permission)
    if not places:
        return None if places is None else frozenset()
    known: dict[str, frozenset[str]] = user.__dict__.setdefault("_permission_targets", {})
    if permission not in known:
        known[permission] = _fitting(places)
    return known[permission]


def _fitting(places: list[Place]) -> frozenset[str]:
    fits = Q(pk__in=[])
    for layer, domain in places:
        fits |= Q(**({"layer": layer} if layer else {}), **({"domain": domain} if domain else {}))
    return frozenset(Target.objects.filter(fits).values_list("pk", flat=True))


def _places(user: Any) -> dict[str, list[Place]]:
    """Where each permission of somebody holds, kept with the person as Django keeps permissions."""
    found: dict[str, list[Place]] | None = getattr(user, "_permission_places", None)
    if found is None:
        found = {}
        with connection.cursor() as cursor:
            cursor.execute("SELECT permission, layer, domain FROM dwh_lineage.permissions_of(%s)", [user.pk])
            for permission, layer, domain in cursor.fetchall():
                found.setdefault(permission, []).append((layer, domain))
        user._permission_places = found
    return found


def _covers(places: list[Place], target: Target) -> bool:
    return any(layer in (None, target.layer) and domain in (None, target.domain) for layer, domain in places)
