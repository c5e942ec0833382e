"""An online shop from four systems: the CRM's customers, the catalogue's products, the shop's orders and their items,
and what the storehouse counts; and a star made of them.

Each system drops one file a day with what is new and what has changed; `op` says how: I(nsert), U(pdate), D(elete).
Customers may arrive in two more ways, from which nothing is made here: as the changes of the CRM's own database, and as
answers of an API.

Rules see one row at a time. An order of a customer nobody knows, or an item of an order that was never sent (an
orphan), breaks none of them: it stands in silver like any other row.
"""

from medallion.warehouse import (
    SCD2,
    AtLeast,
    Date,
    Enum,
    Generated,
    GreaterThan,
    Integer,
    Matches,
    MinLength,
    Numeric,
    Pipeline,
    Required,
    SmallInt,
    Text,
    Timestamp,
    Uuid,
    bronze,
    gold,
    silver,
    sources,
)

EMAIL = r"^[^@[:space:]]+@[^@[:space:]]+\.[^@[:space:]]+$"
SKU = r"^[A-Z]{3}-[0-9]{4,}$"


class CrmCustomers(sources.CsvFiles):
    """The CRM's daily drop."""

    path = "ecommerce/crm/customers_*.csv"


class CustomersCdc(sources.JsonLines):
    """The changes of the CRM's own database, as Debezium tells them. dwh_etl.ingest_cdc_event takes one."""

    path = "ecommerce/crm/changes_*.jsonl"
    envelope = sources.Debezium()


class ApiResponses(sources.JsonFiles):
    """What an API answers about customers. dwh_etl.ingest_api_response takes an answer."""

    path = "ecommerce/api/*.json"
    records = "data"


class CatalogueProducts(sources.CsvFiles):
    """The catalogue's daily drop. It gains a column now and then: what nobody declared is kept in _extra."""

    path = "ecommerce/catalogue/products_*.csv"


class ShopOrders(sources.CsvFiles):
    """Orders, each time their status changes."""

    path = "ecommerce/shop/orders_*.csv"


class ShopOrderItems(sources.CsvFiles):
    """What was ordered, a line for each product."""

    path = "ecommerce/shop/order_items_*.csv"


class StockCounts(sources.CsvFiles):
    """What the storehouse counts each evening."""

    path = "ecommerce/stock/stock_*.csv"


class RawCustomers(bronze.Table):
    """Customers as the CRM sends them."""

    source = CrmCustomers
    columns = "id email name status channel city country created_date updated_date op"
    routines = ["ingest_customers_csv.sql", "ingest_daily_customers.sql", "ingest_customers.sql"]


class RawCustomersCdc(bronze.Table):
    """Customers before and after each change in the CRM's database."""

    source = CustomersCdc
    columns = "id email name status"


class RawApiResponses(bronze.Table):
    """Customers as an API answers."""

    source = ApiResponses
    columns = "id email name"


class RawProducts(bronze.Table):
    """Products as the catalogue sends them."""

    source = CatalogueProducts
    columns = "sku name category price updated_date op"


class RawOrders(bronze.Table):
    """Orders as the shop sends them."""

    source = ShopOrders
    columns = "id customer_id order_date status total updated_date op"
    routines = ["ingest_daily_orders.sql", "ingest_orders.sql"]


class RawOrderItems(bronze.Table):
    """Lines of orders as the shop sends them."""

    source = ShopOrderItems
    columns = "order_id line_number sku quantity unit_price discount tax updated_date op"


class RawStock(bronze.Table):
    """Counted stock as the storehouse sends it."""

    source = StockCounts
    columns = "sku on_hand reserved updated_date op"


class Customers(silver.Table):
    """One row for each customer and period."""

    customer_id = Uuid("id")
    email = Text(
        "nullif(lower(trim(email)), '')",
        rules=[Required("The e-mail is missing"), Matches(EMAIL, "The e-mail is no address", null=True)],
        doc="Where receipts go; in small letters",
        pii=True,
    )
    email_domain = Text("split_part(lower(trim(email)), '@', 2)")
    name = Text("trim(name)", rules=[MinLength(2, "The name has fewer than two characters")], pii=True)
    status = Enum("lower(trim(status))", "active", "inactive", "suspended")
    channel = Enum("lower(trim(channel))", "web", "app", "store", "partner")
    city = Text("trim(city)", rules=[MinLength(2, "The city has fewer than two characters")])
    country = Enum("upper(trim(country))", "AT", "CH", "DE", "ES", "FR", "GB", "US")
    created_on = Date("created_date", rules=[Required()])
    updated_at = Timestamp("updated_date")

    class Meta:
        source = RawCustomers
        owner, tags = "crm team", "crm customers"
        key = "customer_id"
        history = SCD2(effective="updated_at", deleted_when="op = 'D'")
        routines = ["validate_customer.sql"]


class Products(silver.Table):
    """One row for each product and period."""

    product_id = Text(
        "nullif(upper(trim(sku)), '')",
        rules=[Required("The product number is missing"), Matches(SKU, "The product number is none", null=True)],
    )
    name = Text("trim(name)", rules=[MinLength(2, "The name has fewer than two characters")])
    category = Enum("lower(trim(category))", "books", "garden", "kitchen", "music", "toys")
    price = Numeric("price", precision=10, scale=2, rules=[GreaterThan(0)])
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
    status = Enum("lower(trim(status))", "pending", "paid", "shipped", "delivered", "cancelled", "returned")
    total = Numeric("total", precision=12, scale=2, rules=[AtLeast(0)])
    updated_at = Timestamp("updated_date")

    class Meta:
        source = RawOrders
        key = "order_id"
        history = SCD2(effective="updated_at", deleted_when="op = 'D'")
        routines = ["load_silver_orders_incremental.sql"]


class OrderItems(silver.Table):
    """One row for each line of an order, and what it was before it was corrected. A line sent twice is one line."""

    order_id = Uuid("order_id")
    order_line_number = SmallInt("line_number", rules=[Required(), AtLeast(1, null=True)])
    product_id = Text(
        "nullif(upper(trim(sku)), '')",
        rules=[Required("The product number is missing"), Matches(SKU, "The product number is none", null=True)],
    )
    quantity = Integer("quantity", rules=[GreaterThan(0)])
    unit_price = Numeric("unit_price", precision=10, scale=2, rules=[AtLeast(0)])
    discount = Numeric("coalesce(discount, '0')", precision=10, scale=2, rules=[AtLeast(0)])
    tax = Numeric("coalesce(tax, '0')", precision=10, scale=2, rules=[AtLeast(0)])
    updated_at = Timestamp("updated_date")

    class Meta:
        source = RawOrderItems
        key = ("order_id", "order_line_number")
        history = SCD2(effective="updated_at", deleted_when="op = 'D'")


class Stock(silver.Table):
    """One row for each product and period of the same stock."""

    product_id = Text(
        "nullif(upper(trim(sku)), '')",
        rules=[Required("The product number is missing"), Matches(SKU, "The product number is none", null=True)],
    )
    on_hand = Integer("on_hand", rules=[AtLeast(0)])
    reserved = Integer("reserved", rules=[AtLeast(0)])
    updated_at = Timestamp("updated_date")

    class Meta:
        source = RawStock
        key = "product_id"
        history = SCD2(effective="updated_at")


class DimDate(gold.Calendar):
    """Every day from 2020 to 2030; the fiscal year starts in July."""

    first, last = "2020-01-01", "2030-12-31"
    fiscal_year_starts = 7
    country = "DE"
    routines = ["generate_dim_date.sql", "update_dim_date_flags.sql"]


class DimCustomer(gold.Dimension):
    """Customers, with a row for each period of their lives."""

    query, key, surrogate = "dim_customer.sql", ("customer_id", "valid_from"), "customer_key"
    first_name = Generated("split_part(name, ' ', 1)")
    last_name = Generated(
        "CASE WHEN position(' ' IN name) > 0 THEN substring(name FROM position(' ' IN name) + 1) ELSE '' END"
    )
    routines = ["load_dim_customer.sql", "merge_dim_customer.sql"]
    required = "email email_domain name status is_current"
    indexes = {
        "dim_customer_email_idx": gold.Index("email", where="is_current"),
        "dim_customer_segment_idx": gold.Index("customer_segment", where="is_current"),
        "dim_customer_domain_idx": gold.Index("email_domain", where="is_current"),
    }


class DimProduct(gold.Dimension):
    """Products, with a row for each period of the same name, category and price."""

    query, key, surrogate = "dim_product.sql", ("product_id", "valid_from"), "product_key"
    required = "product_name product_category is_current"
    indexes = {"dim_product_category_idx": gold.Index("product_category", where="is_current")}


class DimGeography(gold.Dimension):
    """The places where customers live or have lived."""

    query, key, surrogate = "dim_geography.sql", "country city", "geography_key"
    required = "country_name region"


class FactSales(gold.Fact):
    """Lines of orders that were neither cancelled nor returned, with customer and product as they were when it was
    ordered."""

    query, grain, surrogate = "fact_sales.sql", ("order_id", "order_line_number"), "sales_key"
    dimensions = {
        "customer_key": DimCustomer,
        "product_key": DimProduct,
        "geography_key": DimGeography,
        "date_key": DimDate,
    }
    partition_by = "date_key"
    owner, tags = "finance", "finance sales"
    routines = ["load_fact_sales.sql", "create_fact_partitions.sql"]
    line_total = Generated(
        "quantity * unit_price - discount_amount + tax_amount", of=Numeric("", precision=12, scale=2)
    )
    required = "quantity unit_price discount_amount tax_amount"
    constraints = {
        "fact_sales_quantity_positive": "quantity > 0",
        "fact_sales_price_positive": "unit_price >= 0",
    }
    indexes = {
        "fact_sales_date_idx": gold.Index("date_key"),
        "fact_sales_customer_idx": gold.Index("customer_key"),
        "fact_sales_product_idx": gold.Index("product_key"),
        "fact_sales_geography_idx": gold.Index("geography_key"),
        "fact_sales_date_customer_idx": gold.Index("date_key", "customer_key"),
        "fact_sales_date_brin_idx": gold.Index("date_key", using="brin"),
        "fact_sales_covering_idx": gold.Index("date_key", include="quantity line_total"),
    }
    checks = [
        gold.References("customer_key", DimCustomer, max_unknown="15%"),
        gold.References("product_key", DimProduct, max_unknown="25%"),
        gold.Between("quantity", 1, 10_000),
        gold.Reconciles(
            "quantities",
            own="sum(quantity)",
            other="SELECT sum(i.quantity) FROM silver.order_items AS i JOIN silver.orders AS o USING (order_id) "
            "WHERE i.is_current AND o.is_current AND o.status NOT IN ('cancelled', 'returned')",
        ),
    ]


class FactInventory(gold.Snapshot):
    """What lay in the storehouse at the end of each day."""

    query, grain, period = "fact_inventory.sql", ("date_key", "product_id"), "date_key"
    dimensions = {"date_key": DimDate, "product_key": DimProduct}
    partition_by, partition_every = "date_key", "month"
    indexes = {"fact_inventory_product_idx": gold.Index("product_key")}
    checks = [gold.Between("on_hand", 0, 1_000_000)]


class AggDailySales(gold.Aggregate):
    """What was sold on each day, by customers' segments and products' categories."""

    query, grain = "agg_daily_sales.sql", ("date_key", "customer_segment", "product_category")
    dimensions = {"date_key": DimDate}
    routines = ["refresh_agg_daily_sales.sql", "run_ecommerce_pipeline.sql"]
    required = "order_count item_count gross_revenue discount_total tax_total net_revenue avg_order_value"
    checks = [
        gold.Reconciles("revenue", own="sum(net_revenue)", other="SELECT sum(f.line_total) FROM gold.fact_sales AS f")
    ]


class AggCustomerLtv(gold.Aggregate):
    """What each customer has bought so far, whatever name and address it was under."""

    query, grain = "agg_customer_ltv.sql", "customer_id"


class AggProductPerformance(gold.Aggregate):
    """How each product sells, and what is left of it."""

    query, grain = "agg_product_performance.sql", "product_id"


class MvCustomerLifetimeValue(gold.MaterializedView):
    """Present customers with what they have bought, for dashboards."""

    query, key = "mv_customer_lifetime_value.sql", "customer_key"
    routines = ["refresh_customer_ltv.sql"]
    indexes = {
        "mv_customer_ltv_pk": gold.Index("customer_key", unique=True),
        "mv_customer_ltv_value": gold.Index("lifetime_value DESC"),
    }


class Master(Pipeline):
    """Customers and products, as soon as their systems have sent them."""

    name = "ecommerce_master"
    targets = [Customers, Products]


class Daily(Pipeline):
    """The sales star."""

    name = "ecommerce_daily"
    targets = [FactSales, AggDailySales]
    schedule = "0 3 * * *"


class DailyEtl(Pipeline):
    """Everything."""

    targets = [FactInventory, AggDailySales, AggCustomerLtv, AggProductPerformance, MvCustomerLifetimeValue]
    schedule = "0 2 * * *"
