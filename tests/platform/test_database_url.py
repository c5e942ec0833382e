"""DATABASE_URL as Django's DATABASES entry."""

from __future__ import annotations

from assay.database_url import SEARCH_PATH, parse


def test_a_url_with_everything() -> None:
    entry = parse("postgresql://us%40er:p%2Fss%3A%25@db.example:5433/assay?sslmode=require")
    assert entry == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "assay",
        "HOST": "db.example",
        "PORT": "5433",
        "USER": "us@er",
        "PASSWORD": "p/ss:%",
        "OPTIONS": {"connect_timeout": "10", "sslmode": "require", "options": SEARCH_PATH},
    }


def test_a_unix_socket_by_parameter() -> None:
    entry = parse("postgres:///assay?host=%2Frun%2Fa%20b&user=me&port=6000")
    assert (entry["HOST"], entry["USER"], entry["PORT"], entry["NAME"]) == ("/run/a b", "me", "6000", "assay")


def test_a_unix_socket_in_the_place_of_the_host() -> None:
    assert parse("postgresql://me@%2Frun%2Fpostgresql/assay")["HOST"] == "/run/postgresql"


def test_options_of_ones_own_are_kept() -> None:
    entry = parse("postgresql://h/d?options=-c%20statement_timeout%3D5s")
    assert entry["OPTIONS"]["options"] == f"-c statement_timeout=5s {SEARCH_PATH}"


def test_connecting_has_a_time_limit_of_which_the_url_has_the_last_word() -> None:
    assert parse("postgresql://h/d")["OPTIONS"]["connect_timeout"] == "10"
    assert parse("postgresql://h/d?connect_timeout=3")["OPTIONS"]["connect_timeout"] == "3"
