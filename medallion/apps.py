from django.apps import AppConfig
from django.core.checks import register
from django.db.models.signals import post_migrate


class MedallionConfig(AppConfig):
    name = "medallion"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from lineage import actions, pages
        from medallion import run_views, urls
        from medallion.checks import check_warehouses
        from medallion.installing import install_pipelines
        from medallion.schedules.declared import follow_declarations

        pages.register(*urls.PAGES)
        actions.register(*run_views.ACTIONS)
        register(check_warehouses)
        post_migrate.connect(install_pipelines, sender=self)
        post_migrate.connect(follow_declarations, sender=self)
