"""The pages of the apps. An app registers its pages in `ready()`; the admin site mounts them under `admin/`.

Lower floors cannot import the site, so they meet it here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse


@dataclass(frozen=True)
class Page:
    """A page of the admin site: where it is, who may see it, what stands above it."""

    path: str  # below admin/, with Django's converters: "runs/<int:run_id>/"
    view: Callable[..., HttpResponseBase]
    name: str  # URL name within the admin: "run" is reversed as "admin:run"
    title: str  # in the navigation and in the breadcrumbs
    permission: str  # "lineage.view_pipelinerun"; staff without it are refused
    order: int = 0
    in_navigation: bool = False
    or_permission: str = ""  # another that is as good
    parent: str = ""  # name of the page above: a breadcrumb, and the navigation entry that is marked


_PAGES: dict[str, Page] = {}


def register(*pages: Page) -> None:
    """Add pages to the site. Raises ValueError where another page has the name already."""
    for page in pages:
        if _PAGES.setdefault(page.name, page) != page:
            raise ValueError(
                f"Two pages are named {page.name}: {_PAGES[page.name].path} and {page.path}. Rename one of them."
            )


def registered() -> list[Page]:
    """All pages, in the order of the navigation."""
    return sorted(_PAGES.values(), key=lambda page: (page.order, page.name))


def trail(name: str) -> list[Page]:
    """The page and the pages above it, the uppermost first; empty where no page has the name."""
    page = _PAGES.get(name)
    return [*trail(page.parent), page] if page else []


def page_response(
    request: HttpRequest, template: str, title: str, context: Mapping[str, Any], status: int | None = None
) -> TemplateResponse:
    """Render a page that extends assay/page.html: the context, with what the header and the breadcrumbs need."""
    shared = admin.site.each_context(request)
    return TemplateResponse(request, template, {**shared, "title": title, **context}, status=status)
