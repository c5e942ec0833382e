"""Lists of exceptions that somebody keeps under a name."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.views.decorators.http import require_POST

from quality.choosing import PARTS
from quality.view_models import SavedView

LONGEST = 40


@require_POST
def keep_view(request: HttpRequest) -> HttpResponse:
    """Keeps what the list is narrowed to under a name, in place of what had the name; a list of all takes it away."""
    name = request.POST.get("name", "").strip()[:LONGEST]
    sent, kept = QueryDict(request.POST.get("query", "")), QueryDict(mutable=True)
    for part in PARTS:
        if sent.get(part):
            kept[part] = sent[part]
    user = User.objects.get(username=request.user.get_username())
    mine = SavedView.objects.filter(user=user, name=name)
    if not name:
        messages.error(request, "Give the view a name.")
    elif not kept:
        mine.delete()
        messages.success(request, f"The view {name} is gone.")
    else:
        SavedView.objects.update_or_create(user=user, name=name, defaults={"query": kept.urlencode()})
        messages.success(request, f"The view {name} is kept.")
    return HttpResponseRedirect(f"{reverse('admin:exception_rows')}?{kept.urlencode()}")
