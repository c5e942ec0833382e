"""Lambeth's payments to suppliers: a file a month, whose header names the amount in three ways, in line 1 to 14."""

from medallion.warehouse import DoesNotMatch, Numeric, Required, Text, bronze, silver, sources


class Payments(sources.CsvFiles):
    path = "lambeth_payments/*.csv"
    header_within = 20


class RawPayments(bronze.Table):
    source = Payments
    columns = {
        "supplier": "Supplier Name",
        "amount": ("Total", "Sum of Invoice Nett Amount", "Invoice Nett Amount"),
    }


class RealPayments(silver.Table):
    supplier = Text(
        "trim(supplier)",
        rules=[Required("The supplier is missing"), DoesNotMatch("^Grand Total$", "A total", null=True)],
    )
    amount = Numeric("amount", rules=[Required("The amount is missing")])

    class Meta:
        source = RawPayments
