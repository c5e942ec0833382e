from django.apps import AppConfig


class LineageConfig(AppConfig):
    name = "lineage"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from lineage import graph_urls, pages, urls

        pages.register(*urls.PAGES, *graph_urls.PAGES)
