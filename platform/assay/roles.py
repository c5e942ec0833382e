"""The groups that `migrate` makes, and what each may do. An administrator may change them: what is there stays."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.db import transaction

_LOOK = (
    "lineage.view_target",
    "lineage.view_pipelinerun",
    "lineage.view_backfill",
    "medallion.view_schedule",
    "medallion.view_receivedfile",
    "quality.view_qualityexception",
)
_STEWARD = (*_LOOK, "quality.propose", "quality.decide")
_ENGINEER = (
    *_LOOK,
    "quality.propose",
    "quality.override",
    "lineage.change_pipelinerun",
    "lineage.add_backfill",
    "lineage.change_backfill",
    "medallion.add_schedule",
    "medallion.change_schedule",
    "medallion.add_receivedfile",
)
#: A viewer looks. A steward decides. An approver also approves what others propose, and lets batches pass gates. An
#: engineer runs pipelines, lets batches pass gates and proposes what is to become of rows.
GROUPS: dict[str, tuple[str, ...]] = {
    "Viewer": _LOOK,
    "Steward": _STEWARD,
    "Approver": (*_STEWARD, "quality.approve", "quality.override"),
    "Engineer": _ENGINEER,
}


def make_groups(using: str = "default", **_: Any) -> None:
    """Makes the groups that are not there, with their permissions."""
    from django.contrib.auth.models import Group, Permission

    missing = set(GROUPS) - set(Group.objects.using(using).values_list("name", flat=True))
    if not missing:
        return
    # Some apps' turn, at which Django makes their permissions, may be still to come.
    for config in apps.get_app_configs():
        create_permissions(config, verbosity=0, using=using)
    found = {f"{p.content_type.app_label}.{p.codename}": p for p in _permissions(Permission, using)}
    with transaction.atomic(using=using):
        for name in sorted(missing):
            group = Group.objects.using(using).create(name=name)
            group.permissions.set([found[permission] for permission in GROUPS[name]])


def _permissions(permission: Any, using: str) -> Any:
    return permission.objects.using(using).select_related("content_type")
