from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class AssayConfig(AppConfig):
    name = "assay"
    verbose_name = "Assay"

    def ready(self) -> None:
        from assay import celery  # noqa: F401 - makes it the app that @shared_task sends through
        from assay.roles import make_groups

        # The signal is sent for apps with models alone.
        post_migrate.connect(make_groups, sender=apps.get_app_config("quality"), dispatch_uid="assay.groups")
