"""The pages of the apps. An app says in `ready()` which modules hold them; the admin site mounts them under `admin/`.

Lower floors cannot import the site, so they meet it here. The modules are imported when somebody asks for pages:
a command asks for none, and importing all views would take longer than most commands do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
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
    #: From the request and the parts of its address to the tables that the page is about: the permission has to hold
    #: for each of them. A page without it narrows what it shows itself (lineage.permissions.within).
    about: Callable[..., Iterable[str]] | None = None


_PAGES: dict[str, Page] = {}
_modules: list[str] = []


def register(*pages: Page) -> None:
    """Add pages to the site. Raises ValueError where another page has the name already."""
    for page in pages:
        if _PAGES.setdefault(page.name, page) != page:
            raise ValueError(
                f"Two pages are named {page.name}: {_PAGES[page.name].path} and {page.path}. Rename one of them."
            )


def register_from(*modules: str) -> None:
    """Add the pages that modules have in `PAGES`, by the modules' names."""
    _modules.extend(modules)


def _load() -> None:
    while _modules:
        register(*import_module(_modules.pop(0)).PAGES)


def registered() -> list[Page]:
    """All pages, in the order of the navigation."""
    _load()
    return sorted(_PAGES.values(), key=lambda page: (page.order, page.name))


def trail(name: str) -> list[Page]:
    """The page and the pages above it, the uppermost first; empty where no page has the name."""
    _load()
    page = _PAGES.get(name)
    return [*trail(page.parent), page] if page else []


def page_response(
    request: HttpRequest, template: str, title: str, context: Mapping[str, Any], status: int | None = None
) -> TemplateResponse:
    """Render a page that extends assay/page.html: the context, with what the header and the breadcrumbs need."""
    shared = admin.site.each_context(request)
    return TemplateResponse(request, template, {**shared, "title": title, **context}, status=status)
