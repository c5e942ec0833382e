"""The pages: Django's admin is Assay's face."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from assay.health import healthz, healthz_web
from assay.metrics import metrics
from medallion.feed_views import feed

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("healthz", healthz, name="healthz"),
    path("healthz/web", healthz_web, name="healthz-web"),
    path("metrics", metrics, name="metrics"),
    path("feeds/<str:name>", feed, name="feed"),
    path("admin/", admin.site.urls),
]
