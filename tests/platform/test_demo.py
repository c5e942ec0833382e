"""The demo fills a warehouse through a real worker and serves it; again, it adds nothing."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest

from retail import generator
from tests.platform import embedded_helpers as helpers


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def demo(var: Path, *arguments: str) -> tuple[int, str, str]:
    done = helpers.manage("demo", "--no-serve", "--port", free_port(), *arguments, var=var)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.slow
def test_it_works_twice_and_on_a_folder_of_ones_own_and_adds_nothing_twice(var: Path, tmp_path: Path) -> None:
    status, first, errors = demo(var, "--example", "retail", "--scale", "0.02")
    assert status == 0, first + errors
    assert "20 of 20 files ingested" in first
    assert re.search(r"bronze\.raw_invoice_lines +([\d,]+)", first)
    assert "silver.invoice_lines: The customer is missing" in first
    assert re.search(r"silver\.invoice_lines: bronze\.raw_invoice_lines rows [\d,]+ = [\d,]+ current", first)
    assert "7 pages answer" in first
    assert "(shown this once)" in first

    status, second, errors = demo(var, "--example", "retail", "--scale", "0.02")
    assert status == 0, second + errors
    assert "20 skipped" in second
    assert "(shown this once)" not in second
    rows = re.compile(r"(?:bronze|silver|gold) +\S+ +[\d,]+")
    assert rows.findall(first) == rows.findall(second)

    generator.write(tmp_path / "mine", scale=0.01)
    status, third, errors = demo(var, "--example", "retail", "--data", str(tmp_path / "mine"))
    assert status == 0, third + errors
    assert "20 of 20 files ingested" in third


@pytest.mark.slow
def test_without_a_word_it_shows_the_star_of_the_ecommerce_example(var: Path) -> None:
    status, shown, errors = demo(var, "--scale", "0.05")
    assert status == 0, shown + errors
    assert shown.count("3 of 3 files ingested") == 5
    for table in ("gold.fact_sales", "gold.fact_inventory", "gold.agg_daily_sales", "gold.mv_customer_lifetime_value"):
        assert re.search(rf"{re.escape(table)} +[1-9]", shown), shown


def test_a_folder_that_is_none_is_said_before_anything_starts(var: Path, tmp_path: Path) -> None:
    status, _, errors = demo(var, "--data", str(tmp_path / "nowhere"))
    assert status == 1
    assert "nowhere is no folder" in errors
    assert "Traceback" not in errors
