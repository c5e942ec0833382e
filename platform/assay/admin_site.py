"""The site: Django's admin with our pages, our navigation and our dashboard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from django.apps import AppConfig
from django.contrib.admin import AdminSite, autodiscover
from django.contrib.admin.apps import SimpleAdminConfig
from django.core.checks import CheckMessage
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse

from lineage.pages import Page, registered, trail


class AssayAdminConfig(SimpleAdminConfig):
    """In INSTALLED_APPS instead of django.contrib.admin. The apps' `admin` modules are imported when the site is asked
    for its addresses or is checked, not by every command."""

    default_site = "assay.admin_site.AssayAdminSite"


class AssayAdminSite(AdminSite):
    site_header = "Assay"
    site_title = "Assay"
    index_title = "Dashboard"
    site_url = None
    enable_nav_sidebar = False
    empty_value_display = "–"
    login_template = "assay/login.html"

    def check(self, app_configs: Sequence[AppConfig] | None) -> list[CheckMessage]:
        autodiscover()
        return super().check(app_configs)

    def get_urls(self) -> list[URLResolver | URLPattern]:
        """The apps' pages stand before Django's own, so that `admin/lineage/` is the lineage page."""
        autodiscover()
        pages: list[URLResolver | URLPattern] = [
            path(page.path, self.admin_view(_permitted(page)), name=page.name) for page in registered()
        ]
        administration = path("administration/", self.admin_view(self.administration), name="administration")
        return [*pages, administration, *super().get_urls()]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        match = request.resolver_match
        above = trail(match.url_name or "") if match else []
        current = above[0].name if above else (match.url_name if match else None)
        return {
            **super().each_context(request),
            "navigation": self._navigation(request, current),
            "breadcrumbs": [(page.title, reverse(f"{self.name}:{page.name}")) for page in above[:-1]],
        }

    def _navigation(self, request: HttpRequest, current: str | None) -> list[dict[str, object]]:
        entries = [("index", self.index_title)]
        entries += [(p.name, p.title) for p in registered() if p.in_navigation and _may_see(request, p)]
        return [
            {"title": title, "url": reverse(f"{self.name}:{name}"), "current": name == current}
            for name, title in entries
        ]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        # Here, because models cannot be imported while the apps are still loading.
        from assay.dashboard import dashboard

        return super().index(request, {**dashboard(request), **(extra_context or {})})

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        # Here, because forms of models cannot be imported while the apps are still loading.
        from assay.login import LoginForm

        self.login_form = LoginForm
        return super().login(request, extra_context)

    def administration(self, request: HttpRequest) -> TemplateResponse:
        """What Django's admin shows on its index: users, groups, and the models that are edited one by one."""
        context = {**self.each_context(request), "title": "Administration"}
        return TemplateResponse(request, "assay/administration.html", context)


def _may_see(request: HttpRequest, page: Page) -> bool:
    return request.user.has_perm(page.permission) or (
        page.or_permission != "" and request.user.has_perm(page.or_permission)
    )


def _holds_there(request: HttpRequest, page: Page, address: dict[str, Any]) -> bool:
    """Whether one of the page's permissions holds for all tables that it is about. No query, if anywhere."""
    # Here, because models cannot be imported while the apps are still loading.
    from lineage.permissions import may, places_of

    needed = [permission for permission in (page.permission, page.or_permission) if permission]
    if page.about is None or any(places_of(request.user, permission) is None for permission in needed):
        return True
    tables = set(page.about(request, **address))
    return any(all(may(request.user, permission, table) for table in tables) for permission in needed)


def _permitted(page: Page) -> Callable[..., HttpResponseBase]:
    """The page's view, refused to staff without its permission."""

    @wraps(page.view)
    def view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not _may_see(request, page):
            raise PermissionDenied(f"The page {page.title} needs the permission {page.permission}.")
        if not _holds_there(request, page, kwargs):
            raise PermissionDenied(
                f"Your permission {page.permission} does not hold for the table that this page is about. "
                "An administrator says in which layers and domains a group may act."
            )
        return page.view(request, *args, **kwargs)

    return view
