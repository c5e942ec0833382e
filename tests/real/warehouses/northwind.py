"""Northwind: a trader's customers, products, orders and their lines."""

from medallion.warehouse import (
    Append,
    AtLeast,
    Between,
    Date,
    GreaterThan,
    Integer,
    Numeric,
    Required,
    Text,
    bronze,
    silver,
    sources,
)  # fmt: skip


class Orders(sources.CsvFiles):
    path = "northwind/csv/orders.csv"


class OrderDetails(sources.CsvFiles):
    path = "northwind/csv/order_details.csv"


class RawNorthwindOrders(bronze.Table):
    source = Orders
    columns = "order_id customer_id order_date required_date shipped_date freight ship_name ship_address ship_country"


class RawNorthwindDetails(bronze.Table):
    source = OrderDetails
    columns = "order_id product_id unit_price quantity discount"


class NorthwindOrders(silver.Table):
    """Orders that have been shipped."""

    order_id = Integer("order_id", rules=[Required()])
    ordered_on = Date("order_date", rules=[Required()])
    shipped_on = Date("shipped_date", rules=[Required("The order has not been shipped")])
    freight = Numeric("freight", rules=[AtLeast(0)])
    ship_name = Text("ship_name", rules=[Required()])
    ship_address = Text(r"trim(regexp_replace(ship_address, '\s+', ' ', 'g'))", rules=[Required()])

    class Meta:
        source = RawNorthwindOrders
        history = Append()


class NorthwindDetails(silver.Table):
    """Lines of orders."""

    order_id = Integer("order_id", rules=[Required()])
    product_id = Integer("product_id", rules=[Required()])
    unit_price = Numeric("unit_price", rules=[GreaterThan(0)])
    quantity = Integer("quantity", rules=[GreaterThan(0)])
    discount = Numeric("discount", rules=[Between(0, 1)])

    class Meta:
        source = RawNorthwindDetails
        history = Append()
