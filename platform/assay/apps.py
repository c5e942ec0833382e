from typing import Any

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


def follow_migrate(**signal: Any) -> None:
    """Makes the groups of people. A receiver of `post_migrate`."""
    from assay.roles import make_groups

    make_groups(**signal)


class AssayConfig(AppConfig):
    name = "assay"
    verbose_name = "Assay"

    def ready(self) -> None:
        # The signal is sent for apps with models alone.
        post_migrate.connect(follow_migrate, sender=apps.get_app_config("quality"), dispatch_uid="assay.groups")
