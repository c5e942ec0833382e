from django.apps import AppConfig
from django.db.models.signals import post_migrate


class LineageConfig(AppConfig):
    name = "lineage"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from lineage import pages
        from lineage.code.installing import read_what_is_installed

        pages.register_from("lineage.urls", "lineage.graph_urls")
        post_migrate.connect(read_what_is_installed, sender=self)
