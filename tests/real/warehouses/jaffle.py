"""The jaffle shops: the generated one with a year of orders, the seeds, and the classic one."""

from medallion.warehouse import AtLeast, Integer, OneOf, Required, Text, Timestamp, Uuid, bronze, silver, sources


class Customers(sources.CsvFiles):
    path = "jaffle_shop/*/raw_customers.csv"


class Orders(sources.CsvFiles):
    path = "jaffle_shop/*/raw_orders.csv"


class Items(sources.CsvFiles):
    path = "jaffle_shop/*/raw_items.csv"


class ClassicOrders(sources.CsvFiles):
    path = "jaffle_classic/raw_orders.csv"


class ClassicPayments(sources.CsvFiles):
    path = "jaffle_classic/raw_payments.csv"


class RawJaffleCustomers(bronze.Table):
    source = Customers
    columns = "id name"


class RawJaffleOrders(bronze.Table):
    source = Orders
    columns = "id customer ordered_at store_id subtotal tax_paid order_total"


class RawJaffleItems(bronze.Table):
    source = Items
    columns = "id order_id sku"


class RawClassicOrders(bronze.Table):
    source = ClassicOrders
    columns = "id user_id order_date status"


class RawClassicPayments(bronze.Table):
    source = ClassicPayments
    columns = "id order_id payment_method amount"


class JaffleCustomers(silver.Table):
    customer_id = Uuid("id", rules=[Required()])
    name = Text("name", rules=[Required()])

    class Meta:
        source = RawJaffleCustomers


class JaffleOrders(silver.Table):
    """Money in cents."""

    order_id = Uuid("id", rules=[Required()])
    customer_id = Uuid("customer", rules=[Required()])
    ordered_at = Timestamp("ordered_at", rules=[Required()])
    subtotal = Integer("subtotal", rules=[AtLeast(0)])
    tax = Integer("tax_paid", rules=[AtLeast(0)])
    total = Integer("order_total", rules=[AtLeast(0)])

    class Meta:
        source = RawJaffleOrders


class JaffleItems(silver.Table):
    item_id = Uuid("id", rules=[Required()])
    order_id = Uuid("order_id", rules=[Required()])
    sku = Text("sku", rules=[Required()])

    class Meta:
        source = RawJaffleItems


class JaffleClassicOrders(silver.Table):
    order_id = Integer("id", rules=[Required()])
    customer_id = Integer("user_id", rules=[Required()])
    ordered_at = Timestamp("order_date", rules=[Required()])
    status = Text("status", rules=[OneOf("placed", "shipped", "completed", "return_pending", "returned")])

    class Meta:
        source = RawClassicOrders


class JaffleClassicPayments(silver.Table):
    payment_id = Integer("id", rules=[Required()])
    order_id = Integer("order_id", rules=[Required()])
    amount = Integer("amount", rules=[AtLeast(0)])

    class Meta:
        source = RawClassicPayments
