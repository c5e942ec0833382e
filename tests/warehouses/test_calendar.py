"""The calendar: each day is what Python's own calendar says of it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import holidays
import pytest

from tests.warehouses.conftest import Connect

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop_days(database_copy: Any) -> Any:
    """The ecommerce example's calendar: 2020 to 2030, its fiscal year from July, German holidays."""
    return database_copy()


def days(connection: Any, columns: str) -> dict[date, tuple[Any, ...]]:
    found = connection.execute(f"SELECT full_date, {columns} FROM gold.dim_date WHERE date_key > 0").fetchall()
    return {day: tuple(values) for day, *values in found}


def test_every_day_has_its_parts_names_and_periods(shop_days: Any) -> None:
    found = days(
        shop_days,
        "date_key, iso_year, week, day_of_week, day_of_year, month_name, day_short, quarter_name, is_weekend, "
        "is_holiday, holiday_name, fiscal_year, fiscal_quarter, fiscal_month",
    )
    germany = holidays.country_holidays("DE", years=range(2020, 2031), language="en_US")
    first = date(2020, 1, 1)
    assert set(found) == {first + timedelta(days=n) for n in range((date(2030, 12, 31) - first).days + 1)}
    for day, said in found.items():
        iso = day.isocalendar()
        months = (day.month - 7) % 12
        assert said == (
            int(f"{day:%Y%m%d}"), iso.year, iso.week, day.isoweekday() % 7, day.timetuple().tm_yday, f"{day:%B}",
            f"{day:%a}", f"Q{(day.month + 2) // 3}", iso.weekday > 5, day in germany, germany.get(day),
            day.year + (day.month >= 7), months // 3 + 1, months + 1,
        )  # fmt: skip


def test_the_flags_of_today_turn_and_nothing_is_loaded_again(shop_days: Any) -> None:
    shop_days.execute("UPDATE gold.dim_date SET is_current_day = NOT is_current_day, is_current_week = true")
    waiting = "SELECT count(*) FROM dwh_lineage.batches"
    before = shop_days.execute(waiting).fetchone()
    shop_days.execute("CALL dwh_etl.update_dim_date_flags()")
    (today,) = shop_days.execute("SELECT (now() AT TIME ZONE 'UTC')::date").fetchone()
    for day, flags in days(shop_days, "is_current_day, is_current_week, is_current_month, is_current_year").items():
        assert flags == (
            day == today, day.isocalendar()[:2] == today.isocalendar()[:2],
            (day.year, day.month) == (today.year, today.month), day.year == today.year,
        )  # fmt: skip
    assert shop_days.execute(waiting).fetchone() == before


def test_days_that_are_added_wait_for_the_facts_and_those_that_are_there_do_not(shop_days: Any) -> None:
    waiting = "SELECT count(*) FROM dwh_lineage.pendings WHERE consumer = 'gold.fact_sales'"
    (before,) = shop_days.execute(waiting).fetchone()
    shop_days.execute("CALL dwh_etl.generate_dim_date()")
    assert shop_days.execute(waiting).fetchone() == (before,)
    shop_days.execute("CALL dwh_etl.generate_dim_date('2031-01-01', '2040-12-31')")
    assert shop_days.execute(waiting).fetchone() == (before + 1,)
    assert len(days(shop_days, "week")) == 21 * 365 + 6


def test_the_unknown_day_is_there(connect: Connect) -> None:
    unknown = connect().execute("SELECT month_name, full_date FROM gold.lab_days WHERE date_key = -1").fetchone()
    assert unknown == ("Unknown", date(1, 1, 1))


def test_errata_26_days_are_written_by_one_statement(shop_days: Any) -> None:
    shop_days.execute("""
        CREATE FUNCTION pg_temp.count_statement() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE NOTICE 'one'; RETURN NULL; END $$;
        CREATE TRIGGER counted AFTER INSERT ON gold.dim_date
            FOR EACH STATEMENT EXECUTE FUNCTION pg_temp.count_statement();
    """)
    notices: list[str] = []
    shop_days.add_notice_handler(lambda said: notices.append(said.message_primary))
    shop_days.execute("CALL dwh_etl.generate_dim_date('1990-01-01', '1999-12-31')")
    assert notices.count("one") == 1
    assert shop_days.execute("SELECT count(*) FROM gold.dim_date WHERE year BETWEEN 1990 AND 1999").fetchone() == (
        3652,
    )
