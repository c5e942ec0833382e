from django.apps import AppConfig
from django.core.checks import register


class MedallionConfig(AppConfig):
    name = "medallion"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from medallion.checks import check_warehouses

        register(check_warehouses)
