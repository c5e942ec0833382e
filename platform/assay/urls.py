"""The pages: Django's admin is Assay's face."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from assay.health import healthz

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("healthz", healthz, name="healthz"),
    path("admin/", admin.site.urls),
]
