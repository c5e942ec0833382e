"""A fact and an aggregate over the tables of the ecommerce example."""

from ecommerce.warehouse import DimCustomer, DimDate, DimProduct
from medallion.warehouse import gold


class BenchFact(gold.Fact):
    """Order lines with their customers, products and days."""

    query, grain = "bench_fact.sql", "order_id order_line_number"
    dimensions = {"customer_key": DimCustomer, "product_key": DimProduct, "date_key": DimDate}


class BenchDaily(gold.Aggregate):
    """What was sold on each day."""

    query, grain = "bench_daily.sql", "date_key customer_segment product_category"


class BenchTotals(gold.Aggregate):
    """The same in numbers that arithmetic keeps."""

    query, grain = "bench_totals.sql", "date_key customer_segment product_category"


STAR = (BenchFact, BenchDaily)
