"""Pagila: rentals and payments of a shop for films."""

from medallion.warehouse import AtLeast, Integer, Numeric, Required, Timestamp, bronze, silver, sources


class Rentals(sources.CsvFiles):
    path = "pagila/csv/rental.csv"


class Payments(sources.CsvFiles):
    path = "pagila/csv/payment.csv"


class RawPagilaRentals(bronze.Table):
    source = Rentals
    columns = "rental_id rental_date inventory_id customer_id return_date staff_id last_update"


class RawPagilaPayments(bronze.Table):
    source = Payments
    columns = "payment_id customer_id staff_id rental_id amount payment_date"


class PagilaRentals(silver.Table):
    """Rentals that came back."""

    rental_id = Integer("rental_id", rules=[Required()])
    customer_id = Integer("customer_id", rules=[Required()])
    rented_at = Timestamp("rental_date", rules=[Required()])
    returned_at = Timestamp("return_date", rules=[Required("The film has not come back")])

    class Meta:
        source = RawPagilaRentals


class PagilaPayments(silver.Table):
    payment_id = Integer("payment_id", rules=[Required()])
    customer_id = Integer("customer_id", rules=[Required()])
    amount = Numeric("amount", rules=[AtLeast(0)])
    paid_at = Timestamp("payment_date", rules=[Required()])

    class Meta:
        source = RawPagilaPayments
