"""AdventureWorks: what a spreadsheet makes of dates (m/d/yyyy) and money ("$90,000 ")."""

from medallion.warehouse import (
    Date,
    GreaterThan,
    Integer,
    Numeric,
    OneOf,
    Required,
    Text,
    bronze,
    silver,
    sources,
)  # fmt: skip


def month_first(column: str) -> str:
    """5/14/1965 as 1965-5-14."""
    return rf"regexp_replace({column}, '^(\d+)/(\d+)/(\d+)$', '\3-\1-\2')"


class Customers(sources.CsvFiles):
    path = "adventureworks/AdventureWorks_Customers.csv"


class Products(sources.CsvFiles):
    path = "adventureworks/AdventureWorks_Products*.csv"


class Sales(sources.CsvFiles):
    path = "adventureworks/AdventureWorks*Sales*"


class RawAdventureCustomers(bronze.Table):
    source = Customers
    columns = {
        "customer_key": "CustomerKey", "prefix": "Prefix", "first_name": "FirstName", "last_name": "LastName",
        "birth_date": "BirthDate", "gender": "Gender", "email": "EmailAddress", "income": "AnnualIncome",
    }  # fmt: skip


class RawAdventureProducts(bronze.Table):
    source = Products
    columns = {
        "product_key": "ProductKey", "sku": "ProductSKU", "name": "ProductName", "size": "ProductSize",
        "cost": "ProductCost", "price": "ProductPrice",
    }  # fmt: skip


class RawAdventureSales(bronze.Table):
    source = Sales
    columns = {
        "order_date": "OrderDate", "stock_date": "StockDate", "order_number": "OrderNumber",
        "product_key": "ProductKey", "customer_key": "CustomerKey", "line": "OrderLineItem",
        "quantity": "OrderQuantity",
    }  # fmt: skip


class AdventureCustomers(silver.Table):
    customer_key = Integer("customer_key", rules=[Required()])
    prefix = Text("prefix", rules=[Required("The form of address is missing")])
    name = Text("first_name || ' ' || last_name", rules=[Required()])
    born_on = Date(month_first("birth_date"), rules=[Required()])
    gender = Text("gender", rules=[OneOf("F", "M")])
    income = Numeric("translate(income, '$, ', '')", rules=[GreaterThan(0)])

    class Meta:
        source = RawAdventureCustomers


class AdventureProducts(silver.Table):
    product_key = Integer("product_key", rules=[Required()])
    name = Text("name", rules=[Required()])
    size = Text("size", rules=[Required("The size is missing")])
    cost = Numeric("cost", rules=[GreaterThan(0)])
    price = Numeric("price", rules=[GreaterThan(0)])

    class Meta:
        source = RawAdventureProducts


class AdventureSales(silver.Table):
    ordered_on = Date(month_first("order_date"), rules=[Required()])
    stocked_on = Date(month_first("stock_date"), rules=[Required()])
    order_number = Text("order_number", rules=[Required()])
    line = Integer("line", rules=[GreaterThan(0)])
    quantity = Integer("quantity", rules=[GreaterThan(0)])

    class Meta:
        source = RawAdventureSales
