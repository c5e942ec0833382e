from django.apps import AppConfig


class MedallionConfig(AppConfig):
    name = "medallion"
    default_auto_field = "django.db.models.BigAutoField"
