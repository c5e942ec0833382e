"""Northwind as the database that it is: tables of another PostgreSQL."""

from medallion.warehouse import (
    SCD2,
    AtLeast,
    Between,
    Boolean,
    Date,
    Integer,
    Numeric,
    Required,
    Text,
    bronze,
    silver,
    sources,
)  # fmt: skip

URL = "${ASSAY_TEST_REAL_URL}"


class NorthwindOrders(sources.PostgresTable):
    url = URL
    table = "data.orders"


class NorthwindLines(sources.PostgresTable):
    url = URL
    table = "data.order_details"


class NorthwindProducts(sources.PostgresTable):
    url = URL
    query = "SELECT p.*, c.category_name FROM data.products AS p JOIN data.categories AS c USING (category_id)"


class RawDbOrders(bronze.Table):
    source = NorthwindOrders
    columns = "order_id customer_id order_date shipped_date freight ship_name ship_address ship_country"


class RawDbLines(bronze.Table):
    source = NorthwindLines
    columns = "order_id product_id unit_price quantity discount"


class RawDbProducts(bronze.Table):
    source = NorthwindProducts
    columns = {"product_no": "product_id", "product_name": "product_name", "category": "category_name",
               "price": "unit_price", "discontinued": "discontinued"}  # fmt: skip


class DbOrders(silver.Table):
    """Orders that have been shipped."""

    order_id = Integer("order_id")
    ordered_on = Date("order_date", rules=[Required()])
    shipped_on = Date("shipped_date", rules=[Required("The order has not been shipped")])
    freight = Numeric("freight", rules=[AtLeast(0)])
    ship_name = Text("ship_name")

    class Meta:
        source = RawDbOrders
        key = "order_id"
        history = SCD2(full_extract=True)


class DbLines(silver.Table):
    order_id = Integer("order_id")
    product_id = Integer("product_id")
    unit_price = Numeric("unit_price", rules=[AtLeast(0)])
    quantity = Integer("quantity", rules=[AtLeast(1)])
    discount = Numeric("discount", rules=[Between(0, 1)])

    class Meta:
        source = RawDbLines
        key = ("order_id", "product_id")
        history = SCD2(full_extract=True)


class DbProducts(silver.Table):
    product_no = Integer("product_no")
    product_name = Text("product_name", rules=[Required()])
    category = Text("category", rules=[Required()])
    price = Numeric("price")
    is_discontinued = Boolean("discontinued")

    class Meta:
        source = RawDbProducts
        key = "product_no"
        history = SCD2(full_extract=True)
