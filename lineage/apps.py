from django.apps import AppConfig
from django.db.models.signals import post_migrate


class LineageConfig(AppConfig):
    name = "lineage"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from lineage import graph_urls, pages, urls
        from lineage.code.installing import read_what_is_installed

        pages.register(*urls.PAGES, *graph_urls.PAGES)
        post_migrate.connect(read_what_is_installed, sender=self)
