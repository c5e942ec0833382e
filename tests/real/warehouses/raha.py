"""Two sets with known errors: beers (cells in the wrong form) and flights (wrong and missing times).

The rules say what a cell must look like. What only another row could tell (another source names another time for the
same flight) they cannot see.
"""

from medallion.warehouse import (
    Between,
    DoesNotMatch,
    Integer,
    Matches,
    Numeric,
    Required,
    Text,
    bronze,
    silver,
    sources,
)  # fmt: skip

TIME = Matches(r"^(1[0-2]|[1-9]):[0-5][0-9] [ap]\.m\.$", "No time of day")


class Beers(sources.CsvFiles):
    path = "raha/beers/dirty.csv"


class Flights(sources.CsvFiles):
    path = "raha/flights/dirty.csv"


class RawBeers(bronze.Table):
    source = Beers
    columns = "index id beer_name style ounces abv ibu brewery_id brewery_name city state"


class RawFlights(bronze.Table):
    source = Flights
    columns = "tuple_id src flight sched_dep_time act_dep_time sched_arr_time act_arr_time"


class RealBeers(silver.Table):
    index = Integer("index", rules=[Required()])
    id = Integer("id", rules=[Required()])
    beer_name = Text("beer_name", rules=[Required()])
    style = Text("style")
    ounces = Numeric("ounces", rules=[Between(1, 64)])
    abv = Numeric("abv", rules=[Between(0, 1, null=True)])
    ibu = Integer("ibu", rules=[Between(0, 200, null=True)])
    brewery_id = Integer("brewery_id", rules=[Required()])
    brewery_name = Text("brewery_name", rules=[Required()])
    city = Text("city", rules=[Required(), DoesNotMatch(" [A-Z]{2}$", "A city with its state", null=True)])
    state = Text("state", rules=[Matches("^[A-Z]{2}$", "No state")])

    class Meta:
        source = RawBeers


class RealFlights(silver.Table):
    tuple_id = Integer("tuple_id", rules=[Required()])
    src = Text("src", rules=[Required()])
    flight = Text("flight", rules=[Matches("^[A-Z0-9]{2}-[0-9]+-[A-Z]{3}-[A-Z]{3}$")])
    sched_dep_time = Text("sched_dep_time", rules=[TIME])
    act_dep_time = Text("act_dep_time", rules=[TIME])
    sched_arr_time = Text("sched_arr_time", rules=[TIME])
    act_arr_time = Text("act_arr_time", rules=[TIME])

    class Meta:
        source = RawFlights
