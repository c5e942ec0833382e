"""Pagila as the database that it is: tables of another PostgreSQL, read by the time of their last change."""

from datetime import timedelta

from medallion.warehouse import (
    SCD1,
    SCD2,
    Date,
    Enum,
    Integer,
    Json,
    Numeric,
    Required,
    Text,
    Timestamp,
    bronze,
    silver,
    sources,
)

URL = "${ASSAY_TEST_REAL_URL}"


class PagilaRentals(sources.PostgresTable):
    url = URL
    table = "data.rental"
    cursor = "last_update"
    page_rows = 5000


class PagilaPayments(sources.PostgresTable):
    url = URL
    table = "data.payment"
    cursor = "payment_id"
    overlap = 1000


class PagilaFilms(sources.PostgresTable):
    url = URL
    table = "data.film"
    cursor = "last_update"
    overlap = timedelta(days=1)


class RawDbRentals(bronze.Table):
    source = PagilaRentals
    columns = "rental_id rental_date inventory_id customer_id return_date staff_id last_update"


class RawDbPayments(bronze.Table):
    source = PagilaPayments
    columns = "payment_id customer_id staff_id rental_id amount payment_date"


class RawDbFilms(bronze.Table):
    source = PagilaFilms
    columns = "film_id title release_year rental_rate rating special_features last_update"


class DbRentals(silver.Table):
    """Rentals that came back."""

    rental_id = Integer("rental_id")
    customer_id = Integer("customer_id", rules=[Required()])
    rented_at = Timestamp("rental_date", rules=[Required()])
    returned_at = Timestamp("return_date", rules=[Required("The film has not come back")])
    updated_at = Timestamp("last_update")

    class Meta:
        source = RawDbRentals
        key = "rental_id"
        history = SCD2(effective="updated_at")


class DbPayments(silver.Table):
    payment_id = Integer("payment_id")
    amount = Numeric("amount", rules=[Required()])
    paid_on = Date("left(payment_date, 10)", rules=[Required()])

    class Meta:
        source = RawDbPayments
        key = "payment_id"
        history = SCD1()


class DbFilms(silver.Table):
    film_id = Integer("film_id")
    title = Text("title", rules=[Required()])
    year = Integer("release_year")
    rating = Enum("rating", "G", "PG", "PG-13", "R", "NC-17")
    features = Json("special_features", rules=[Required()])
    updated_at = Timestamp("last_update")

    class Meta:
        source = RawDbFilms
        key = "film_id"
        history = SCD2(effective="updated_at")
