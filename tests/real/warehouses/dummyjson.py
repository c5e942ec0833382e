"""DummyJSON: a shop's API as files. Carts hold their products; products their reviews."""

from medallion.warehouse import (
    SCD1,
    AtLeast,
    Between,
    Date,
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


class Users(sources.JsonFiles):
    path = "dummyjson/users.json"


class Carts(sources.JsonFiles):
    path = "dummyjson/carts.json"


class Products(sources.JsonFiles):
    path = "dummyjson/products.json"


class RawUsers(bronze.Table):
    source = Users
    columns = {"id": "id", "email": "email", "born": "birthDate", "city": "address.city", "employer": "company.name"}


class RawCarts(bronze.Table):
    source = Carts
    columns = {"id": "id", "user_id": "userId", "total": "total"}


class RawCartProducts(bronze.Table):
    source = Carts
    explode = "products"
    columns = {"cart_id": "^.id", "product_id": "id", "quantity": "quantity", "price": "price", "total": "total"}


class RawReviews(bronze.Table):
    source = Products
    explode = "reviews"
    columns = {"product_id": "^.id", "rating": "rating", "comment": "comment", "written": "date"}


class JsonUsers(silver.Table):
    user_id = Integer("id")
    email = Text("lower(email)", rules=[Matches(r"^[^@\s]+@[^@\s]+$")])
    born = Date("born", format="FMYYYY-MM-DD")
    city = Text("city", rules=[Required()])
    employer = Text("employer", rules=[Required()])

    class Meta:
        source = RawUsers
        key = "user_id"
        history = SCD1()


class JsonCartProducts(silver.Table):
    cart_id = Integer("cart_id", rules=[Required()])
    product_id = Integer("product_id", rules=[Required()])
    quantity = Integer("quantity", rules=[AtLeast(1)])
    price = Numeric("price", rules=[AtLeast(0)])
    total = Numeric("total", rules=[AtLeast(0)])

    class Meta:
        source = RawCartProducts


class JsonReviews(silver.Table):
    product_id = Integer("product_id", rules=[Required()])
    rating = Integer("rating", rules=[Between(1, 5)])
    comment = Text("comment", rules=[Required()])
    written_at = Timestamp("written")

    class Meta:
        source = RawReviews
