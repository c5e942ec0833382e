"""Where groups of people may act."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.db import models

from lineage.models.ledger import Target


class GroupScope(models.Model):
    """Tables where the permissions of a group hold; those of a group without any hold everywhere."""

    group = models.ForeignKey(Group, models.CASCADE, related_name="scopes")
    layer = models.TextField(choices=Target.Layer.choices, blank=True, db_default="", help_text="Empty: any layer")
    domain = models.TextField(
        blank=True, db_default="", help_text="As tables declare it, else the name of their app; empty: any domain"
    )

    class Meta:
        db_table = "group_scopes"
        db_table_comment = "Layers and domains in which a group may act"
        constraints = (models.UniqueConstraint(fields=("group", "layer", "domain"), name="group_scopes_once"),)

    def __str__(self) -> str:
        return f"{self.layer or 'every layer'}, {self.domain or 'every domain'}"
