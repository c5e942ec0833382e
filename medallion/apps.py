from django.apps import AppConfig
from django.core.checks import register


class MedallionConfig(AppConfig):
    name = "medallion"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from lineage import pages
        from medallion import urls
        from medallion.checks import check_warehouses

        pages.register(*urls.PAGES)
        register(check_warehouses)
