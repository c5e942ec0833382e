"""An online shop from three systems: the CRM's customers, the catalogue's products, the shop's orders and their items.

Each system drops one file a day with what is new and what has changed; `op` says how: I(nsert), U(pdate), D(elete).

Rules see one row at a time. An order of a customer nobody knows, or an item of an order that was never sent (an
orphan), breaks none of them: it stands in silver like any other row.
"""

from medallion.warehouse import (
    SCD2,
    AtLeast,
    Date,
    GreaterThan,
    Integer,
    Matches,
    MinLength,
    Numeric,
    OneOf,
    Pipeline,
    Required,
    Text,
    Timestamp,
    Uuid,
    bronze,
    silver,
    sources,
)

EMAIL = r"^[^@[:space:]]+@[^@[:space:]]+\.[^@[:space:]]+$"
SKU = r"^[A-Z]{3}-[0-9]{4,}$"


class CrmCustomers(sources.CsvFiles):
    """The CRM's daily drop."""

    path = "ecommerce/crm/customers_*.csv"


class CatalogueProducts(sources.CsvFiles):
    """The catalogue's daily drop. It gains a column now and then: what nobody declared is kept in _extra."""

    path = "ecommerce/catalogue/products_*.csv"


class ShopOrders(sources.CsvFiles):
    """Orders, each time their status changes."""

    path = "ecommerce/shop/orders_*.csv"


class ShopOrderItems(sources.CsvFiles):
    """What was ordered, a line for each product."""

    path = "ecommerce/shop/order_items_*.csv"


class RawCustomers(bronze.Table):
    """Customers as the CRM sends them."""

    source = CrmCustomers
    columns = "id email name status created_date updated_date op"


class RawProducts(bronze.Table):
    """Products as the catalogue sends them."""

    source = CatalogueProducts
    columns = "sku name category price updated_date op"


class RawOrders(bronze.Table):
    """Orders as the shop sends them."""

    source = ShopOrders
    columns = "id customer_id order_date status total updated_date op"


class RawOrderItems(bronze.Table):
    """Lines of orders as the shop sends them."""

    source = ShopOrderItems
    columns = "order_id line_number sku quantity unit_price discount updated_date op"


class Customers(silver.Table):
    """One row for each customer and period."""

    customer_id = Uuid("id")
    email = Text(
        "nullif(lower(trim(email)), '')",
        rules=[Required("The e-mail is missing"), Matches(EMAIL, "The e-mail is no address", null=True)],
    )
    email_domain = Text("split_part(lower(trim(email)), '@', 2)")
    name = Text("trim(name)", rules=[MinLength(2, "The name has fewer than two characters")])
    status = Text("lower(trim(status))", rules=[OneOf("active", "inactive", "suspended")])
    created_on = Date("created_date", rules=[Required()])
    updated_at = Timestamp("updated_date")

    class Meta:
        source = RawCustomers
        key = "customer_id"
        history = SCD2(effective="updated_at", deleted_when="op = 'D'")


class Products(silver.Table):
    """One row for each product and period."""

    product_id = Text(
        "nullif(upper(trim(sku)), '')",
        rules=[Required("The product number is missing"), Matches(SKU, "The product number is none", null=True)],
    )
    name = Text("trim(name)", rules=[MinLength(2, "The name has fewer than two characters")])
    category = Text("lower(trim(category))", rules=[OneOf("books", "garden", "kitchen", "music", "toys")])
    price = Numeric("price", rules=[GreaterThan(0)])
    updated_at = Timestamp("updated_date")

    class Meta:
        source = RawProducts
        key = "product_id"
        history = SCD2(effective="updated_at", deleted_when="op = 'D'")


class Orders(silver.Table):
    """One row for each order and status it went through."""

    order_id = Uuid("id")
    customer_id = Uuid("customer_id", rules=[Required()])
    ordered_at = Timestamp("order_date", rules=[Required()])
    status = Text(
        "lower(trim(status))", rules=[OneOf("pending", "paid", "shipped", "delivered", "cancelled", "returned")]
    )
    total = Numeric("total", rules=[AtLeast(0)])
    updated_at = Timestamp("updated_date")

    class Meta:
        source = RawOrders
        key = "order_id"
        history = SCD2(effective="updated_at", deleted_when="op = 'D'")


class OrderItems(silver.Table):
    """One row for each line of an order, and what it was before it was corrected. A line sent twice is one line."""

    order_id = Uuid("order_id")
    order_line_number = Integer("line_number", rules=[Required(), AtLeast(1, null=True)])
    product_id = Text(
        "nullif(upper(trim(sku)), '')",
        rules=[Required("The product number is missing"), Matches(SKU, "The product number is none", null=True)],
    )
    quantity = Integer("quantity", rules=[GreaterThan(0)])
    unit_price = Numeric("unit_price", rules=[AtLeast(0)])
    discount = Numeric("coalesce(discount, '0')", rules=[AtLeast(0)])
    updated_at = Timestamp("updated_date")

    class Meta:
        source = RawOrderItems
        key = ("order_id", "order_line_number")
        history = SCD2(effective="updated_at", deleted_when="op = 'D'")


class Master(Pipeline):
    """Customers and products, as soon as their systems have sent them."""

    name = "ecommerce_master"
    targets = [Customers, Products]


class Daily(Pipeline):
    """Everything."""

    name = "ecommerce_daily"
    targets = [Customers, Products, Orders, OrderItems]
    schedule = "0 3 * * *"
