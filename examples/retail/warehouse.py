"""An online shop's invoices: one file a day, a line for each article sold.

The shape is that of the UCI data set "Online Retail" (Chen, Sain, Guo).
"""

from medallion.warehouse import (
    SCD2,
    Append,
    DoesNotMatch,
    GreaterThan,
    Integer,
    Numeric,
    Pipeline,
    Required,
    Text,
    Timestamp,
    bronze,
    gold,
    silver,
    sources,
)

# Spreadsheets wrote the customers' numbers as 17850.0.
CUSTOMER_ID = r"regexp_replace(customer_id, '\.0$', '')"


class Invoices(sources.CsvFiles):
    """The shop's daily export of invoice lines."""

    path = "retail/*.csv"


class RawInvoiceLines(bronze.Table):
    """Invoice lines as the shop exports them."""

    source = Invoices
    columns = {
        "invoice_no": "InvoiceNo",
        "stock_code": "StockCode",
        "description": "Description",
        "quantity": "Quantity",
        "invoice_date": "InvoiceDate",
        "unit_price": "UnitPrice",
        "customer_id": "CustomerID",
        "country": "Country",
    }


class InvoiceLines(silver.Table):
    """Lines that were sold and can be billed. Every line is kept: two equal lines are two sales."""

    invoice_no = Text(
        "trim(invoice_no)",
        rules=[Required(), DoesNotMatch("^C", "The invoice is a cancellation: its number starts with C")],
    )
    stock_code = Text("upper(trim(stock_code))", rules=[Required()])
    description = Text("nullif(trim(description), '')")
    quantity = Integer("quantity", rules=[GreaterThan(0)])
    invoiced_at = Timestamp("invoice_date", rules=[Required()])
    unit_price = Numeric("unit_price", rules=[GreaterThan(0)])
    customer_id = Integer(CUSTOMER_ID, rules=[Required("The customer is missing")])
    country = Text("trim(country)")

    class Meta:
        source = RawInvoiceLines
        history = Append()


class RetailCustomers(silver.Table):
    """Where each customer has lived since when, from all lines that name a customer."""

    customer_id = Integer(CUSTOMER_ID)
    country = Text("trim(country)")
    invoiced_at = Timestamp("invoice_date")

    class Meta:
        source = RawInvoiceLines
        key = "customer_id"
        history = SCD2(effective="invoiced_at")
        where = "customer_id IS NOT NULL"


class RetailDimProduct(gold.Dimension):
    """Articles that were sold, under their latest description."""

    query, key, surrogate = "retail_dim_product.sql", "stock_code", "product_key"


class RetailDailyRevenue(gold.Aggregate):
    """What was sold on each day in each country."""

    query, grain = "retail_daily_revenue.sql", ("day", "country")


class RetailMonthlyRevenue(gold.Aggregate):
    """What was sold in each month."""

    query, grain = "retail_monthly_revenue.sql", "month"


class Daily(Pipeline):
    """Everything that the shop's people look at."""

    name = "retail_daily"
    targets = [RetailCustomers, RetailDimProduct, RetailDailyRevenue, RetailMonthlyRevenue]
    schedule = "0 2 * * *"
