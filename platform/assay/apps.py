from django.apps import AppConfig


class AssayConfig(AppConfig):
    name = "assay"
    verbose_name = "Assay"

    def ready(self) -> None:
        from assay import celery  # noqa: F401 - makes it the app that @shared_task sends through
