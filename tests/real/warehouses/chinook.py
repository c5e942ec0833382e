"""Chinook: a music shop's customers and invoices."""

from medallion.warehouse import (
    SCD2,
    GreaterThan,
    Integer,
    Matches,
    Numeric,
    Required,
    Text,
    Timestamp,
    bronze,
    silver,
    sources,
)


class Customers(sources.CsvFiles):
    path = "chinook/csv/customer.csv"


class Invoices(sources.CsvFiles):
    path = "chinook/csv/invoice.csv"


class RawChinookCustomers(bronze.Table):
    source = Customers
    columns = "customer_id first_name last_name company state country fax email"


class RawChinookInvoices(bronze.Table):
    source = Invoices
    columns = "invoice_id customer_id invoice_date billing_country total"


class ChinookCustomers(silver.Table):
    customer_id = Integer("customer_id")
    name = Text("first_name || ' ' || last_name", rules=[Required()])
    company = Text("company")
    country = Text("country", rules=[Required()])
    email = Text("lower(email)", rules=[Matches("^[^@ ]+@[^@ ]+$")])

    class Meta:
        source = RawChinookCustomers
        key = "customer_id"
        history = SCD2()


class ChinookInvoices(silver.Table):
    invoice_id = Integer("invoice_id", rules=[Required()])
    customer_id = Integer("customer_id", rules=[Required()])
    invoiced_at = Timestamp("invoice_date", rules=[Required()])
    total = Numeric("total", rules=[GreaterThan(0)])

    class Meta:
        source = RawChinookInvoices
