"""A person uploads a file: it lands through the same door as every other, under caps that hold while it arrives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from medallion.ingestion.spec import BronzeSpec
from medallion.models import ReceivedFile
from tests.medallion.bronze_tables import Connection, rows_of
from tests.medallion.conftest import MakeBronze, make_bronze, owner, root

if TYPE_CHECKING:
    from django.test import Client

__all__ = ["make_bronze", "owner", "root"]


@pytest.fixture
def spec(make_bronze: MakeBronze, root: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> BronzeSpec:
    from medallion import views

    spec = make_bronze("id name", max_bytes=1000, max_rows=5)
    monkeypatch.setattr(
        views, "warehouse", lambda: type("Declared", (), {"bronze_specs": {spec.target: spec}, "pulled": {}})
    )
    settings.ASSAY_DATA_ROOT = root
    return spec


@pytest.fixture
def uploader(person: Callable[..., Client]) -> Client:
    return person("view_receivedfile", "add_receivedfile", "view_target")


def send(client: Client, spec: BronzeSpec, content: bytes, name: str = "a.csv") -> Any:
    file = SimpleUploadedFile(name, content)
    return client.post(f"/admin/files/upload/{spec.target}/", {"file": file}, follow=True)


def kept(root: Path) -> list[str]:
    return [path.name for path in (root / "uploads").iterdir()]


def test_an_uploaded_file_lands_and_the_page_says_what(
    spec: BronzeSpec,
    uploader: Client,
    root: Path,
    owner: Connection,
) -> None:
    page = send(uploader, spec, b"id,name\n1,a\n2\n", "../../etc/<b>.csv").content.decode()
    assert f"1 rows ingested into {spec.target}, 1 unreadable lines kept" in page
    assert "<b>.csv" not in page
    assert rows_of(owner, spec) == [("1", "a")]
    row = ReceivedFile.objects.get()
    assert row.uploaded_by.startswith("staff-")
    [name] = kept(root)
    assert name.endswith("__b_.csv")
    assert row.file == f"uploads/{name}"
    again = send(uploader, spec, b"id,name\n1,a\n2\n").content.decode()
    assert "its content was ingested" in again
    assert kept(root) == [name]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"id\n1\n", "the header lacks the column name"),
        (b"id,name\n" + b"1,a\n" * 6, "more than 5 rows"),
        (b"id,name\n" + b"1,a\n" * 600, "more than the 1,000 bytes that drop allows"),
        (b"", "is empty"),
    ],
)
def test_what_is_wrong_stands_at_the_form_and_nothing_stays(
    spec: BronzeSpec,
    uploader: Client,
    root: Path,
    owner: Connection,
    content: bytes,
    said: str,
) -> None:
    response = send(uploader, spec, content)
    assert response.status_code == 400
    assert said in response.content.decode()
    assert rows_of(owner, spec) == []
    assert kept(root) == []


def test_without_a_file_the_form_says_so(spec: BronzeSpec, uploader: Client) -> None:
    response = uploader.post(f"/admin/files/upload/{spec.target}/", {})
    assert "Choose a file first." in response.content.decode()


def test_only_who_may_upload_can(spec: BronzeSpec, person: Callable[..., Client]) -> None:
    reader = person("view_receivedfile")
    assert spec.target not in reader.get("/admin/files/").content.decode()
    assert send(reader, spec, b"id,name\n1,a\n").status_code == 403
    assert reader.get("/admin/files/upload/bronze.nothing/").status_code == 403


def test_an_unknown_table_is_not_found(spec: BronzeSpec, uploader: Client) -> None:
    assert uploader.get("/admin/files/upload/bronze.nothing/").status_code == 404


def test_an_upload_needs_its_token(spec: BronzeSpec, uploader: Client, root: Path) -> None:
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.cookies = uploader.cookies
    assert send(strict, spec, b"id,name\n1,a\n").status_code == 403
    assert ReceivedFile.objects.count() == 0
