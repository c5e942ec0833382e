"""The form of a pool."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from lineage.models import Pool, Target


def test_a_pool_is_made_with_its_tables_and_lets_them_go(client: Client, db: None) -> None:
    client.force_login(User.objects.create_superuser("ada"))
    tables = ["silver.customers", "silver.orders"]
    client.post(reverse("admin:lineage_pool_add"), {"name": "heavy", "slots": 2, "queue": "", "tables": tables})
    pool = Pool.objects.get()
    assert [target.pk for target in pool.targets.order_by("pk")] == tables
    page = client.get(reverse("admin:lineage_pool_changelist")).content.decode()
    assert "silver.customers, silver.orders" in page
    client.post(
        reverse("admin:lineage_pool_change", args=["heavy"]), {"slots": 1, "queue": "large", "tables": tables[:1]}
    )
    pool.refresh_from_db()
    assert (pool.slots, pool.queue) == (1, "large")
    assert not Target.objects.filter(pk="silver.orders", pool=pool).exists()
