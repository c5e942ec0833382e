"""What people may do to runs. An app says in `ready()` which modules hold actions; the pages of runs show buttons.

Runs are carried out on an upper floor, which these pages cannot import: they meet it here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.urls import reverse

from lineage.permissions import targets_of

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    from lineage.models import PipelineRun, Step


@dataclass(frozen=True)
class Action:
    """Something that can be done to a run, or to a step of it: the page that asks for confirmation."""

    page: str  # its name among lineage.pages; its address takes run_id, and for a step its target
    label: str
    permission: str
    allows: Callable[[PipelineRun, Step | None], bool]  # whether the state does; asked again when it is done
    of_step: bool = False


@dataclass(frozen=True)
class Button:
    """An action that is possible now, for this person."""

    label: str
    url: str


_ACTIONS: dict[str, Action] = {}
_modules: list[str] = []


def register(*actions: Action) -> None:
    """Adds actions, in the order in which pages show them."""
    _ACTIONS.update({action.page: action for action in actions})


def register_from(*modules: str) -> None:
    """Adds the actions that modules have in `ACTIONS`, by the modules' names; they are imported at the first button."""
    _modules.extend(modules)


def buttons(user: AbstractBaseUser | AnonymousUser, run: PipelineRun, step: Step | None = None) -> list[Button]:
    """What `user` may do to the run, or with `step` to that step, in the state that they are in."""
    while _modules:
        register(*import_module(_modules.pop(0)).ACTIONS)
    place = [run.pk] if step is None else [run.pk, step.target]
    tables = {step.target} if step else None
    return [
        Button(action.label, reverse(f"admin:{action.page}", args=place))
        for action in _ACTIONS.values()
        if action.of_step == (step is not None)
        and action.allows(run, step)
        and _may(user, action.permission, run, tables)
    ]


def _may(user: Any, permission: str, run: PipelineRun, tables: set[str] | None) -> bool:
    """Whether the permission holds for some tables, or for all that the run loads."""
    if not user.has_perm(permission):
        return False
    allowed = targets_of(user, permission)
    if allowed is None:
        return True
    return allowed.issuperset(tables if tables is not None else run.steps.values_list("target", flat=True))
