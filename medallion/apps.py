from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, register
from django.db.models.signals import post_migrate

# What these functions need is imported when they are called: most commands call none of them.


def check_declarations(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """What is wrong with the warehouses' declarations."""
    from medallion.checks import check_warehouses

    return check_warehouses(app_configs, **kwargs)


def follow_migrate(**signal: Any) -> None:
    """Makes rows of what the declarations say beside their tables. A receiver of `post_migrate`."""
    from medallion.installing import install_pipelines
    from medallion.schedules.declared import follow_declarations

    install_pipelines(**signal)
    follow_declarations(**signal)


class MedallionConfig(AppConfig):
    name = "medallion"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from lineage import actions, pages

        pages.register_from("medallion.urls")
        actions.register_from("medallion.run_views", "medallion.change_views")
        register(check_declarations)
        post_migrate.connect(follow_migrate, sender=self)
