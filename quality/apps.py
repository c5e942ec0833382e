from django.apps import AppConfig
from django.db.models.signals import post_migrate


class QualityConfig(AppConfig):
    name = "quality"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from lineage import pages
        from quality.limits import keep_limit

        pages.register_from("quality.urls")
        post_migrate.connect(keep_limit, sender=self)
