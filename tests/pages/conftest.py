"""People who look at the pages. (Django's models are imported late: pytest reads this before Django is set up.)"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from django.test import Client


@pytest.fixture
def person(db: None) -> Callable[..., Client]:
    """Makes a browser of staff with the permissions named: person("view_target")."""
    from django.contrib.auth.models import Permission, User
    from django.test import Client

    def make(*codenames: str) -> Client:
        user = User.objects.create_user(f"staff-{'-'.join(codenames)}", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client = Client()
        client.force_login(user)
        return client

    return make


@pytest.fixture
def staff(person: Callable[..., Client]) -> Client:
    """Somebody who may see all pages and change nothing."""
    return person("view_target", "view_pipelinerun", "view_qualityexception")
