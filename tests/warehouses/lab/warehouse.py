"""A laboratory: tables of every kind that the engine knows, declared as a user would, to be broken by tests."""

from medallion.warehouse import (
    SCD1,
    SCD2,
    Append,
    AtLeast,
    AtMost,
    Between,
    BigInt,
    Boolean,
    Condition,
    Date,
    DoesNotMatch,
    Enum,
    Generated,
    Integer,
    MaxLength,
    MinLength,
    Numeric,
    OneOf,
    References,
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


class Lab(sources.CsvFiles):
    """What the laboratory writes."""

    path = "lab/*.csv"


class RawReadings(bronze.Table):
    """Readings as they arrived. Some columns are named as metadata's are, and one as a word of SQL is."""

    source = Lab
    columns = "sensor order small big amount flag tag day at note state price due noted local paid"


class Readings(silver.Table):
    """Every good reading, in every type."""

    sensor = Text("trim(sensor)", rules=[Required(), MaxLength(4)])
    order = Integer('"order"', rules=[Between(1, 100)])
    small = SmallInt("small")
    big = BigInt("big")
    amount = Numeric("amount", rules=[AtLeast(0, null=True), Condition("amount < big", "amount is not below big")])
    flag = Boolean("flag")
    tag = Uuid("tag")
    day = Date("day")
    at = Timestamp("at", rules=[Required()])
    note = Text("note", rules=[DoesNotMatch("^!", null=True), MinLength(2, null=True)])
    state = Enum("lower(state)", "on", "off")
    price = Numeric("price", precision=6, scale=2)
    due = Date("due", format=["DD.MM.YYYY", "YYYY-MM-DD"])
    noted = Timestamp("noted", format="DD/MM/YYYY HH24:MI", time_zone="Europe/Zurich")
    local = Timestamp("local", time_zone="America/New_York")
    paid = Boolean("paid", true=["ja"], false=["nein"])
    initial = Generated("left(sensor, 1)")

    class Meta:
        source = RawReadings
        history = Append()
        where = "state IS DISTINCT FROM 'skip'"


class RawMembers(bronze.Table):
    """What is said about members."""

    source = Lab
    columns = "region id name score state updated op"


class Members(silver.Table):
    """Members with their history, in the source's time."""

    region = Text("region")
    id = Numeric("id")
    name = Text("name")
    score = Integer("score", rules=[AtLeast(0, null=True)])
    state = Text("state", rules=[OneOf("a", "b", null=True)])
    updated = Timestamp("updated")

    class Meta:
        source = RawMembers
        key = ("region", "id")
        history = SCD2(effective="updated", deleted_when="op = 'D'")


class Presences(silver.Table):
    """The same without a time of the source's: since when we know it."""

    id = Integer("id")
    name = Text("name")
    state = Text("state")

    class Meta:
        source = RawMembers
        key = "id"
        history = SCD2()
        where = "state IS DISTINCT FROM 'z'"


class States(silver.Table):
    """Members whose history is that of their state; the rest is kept current."""

    region = Text("region")
    id = Numeric("id")
    name = Text("name")
    score = Integer("score", rules=[AtLeast(0, null=True)])
    state = Text("state", rules=[OneOf("a", "b", null=True)])
    updated = Timestamp("updated")

    class Meta:
        source = RawMembers
        key = ("region", "id")
        history = SCD2(effective="updated", deleted_when="op = 'D'", tracked="state", sequence="score", often_late=True)


class Latest(silver.Table):
    """Members as they are now."""

    region = Text("region")
    id = Numeric("id")
    name = Text("name")
    score = Integer("score", rules=[AtLeast(0, null=True)])
    state = Text("state", rules=[OneOf("a", "b", null=True)])
    updated = Timestamp("updated")

    class Meta:
        source = RawMembers
        key = ("region", "id")
        history = SCD1(effective="updated", deleted_when="op = 'D'", often_late=True)


class LatestSeen(silver.Table):
    """Who is there now, without a time of the source's and without deletes."""

    id = Integer("id")
    name = Text("name")
    state = Text("state")

    class Meta:
        source = RawMembers
        key = "id"
        history = SCD1()
        where = "state IS DISTINCT FROM 'z'"


class Watched(silver.Table):
    """Members under rules that only warn, and under one that concerns some of them."""

    region = Text("region")
    id = Numeric("id")
    name = Text("name", rules=[Required(severity="warn")])
    score = Integer("score", rules=[AtLeast(0, null=True, severity="warn"), AtMost(4, null=True, where="state = 'a'")])
    state = Text("state", rules=[OneOf("a", "b", null=True)])
    updated = Timestamp("updated")

    class Meta:
        source = RawMembers
        key = ("region", "id")
        history = SCD2(effective="updated", deleted_when="op = 'D'")


_HOST = "CASE score WHEN '5' THEN '1' WHEN '05' THEN '2' WHEN '-1' THEN '3' END"


class Visitors(silver.Table):
    """Members whose host must be a member now."""

    region = Text("region")
    id = Numeric("id")
    name = Text("name")
    host = Numeric(_HOST, rules=[References(Latest, "id", null=True)])
    updated = Timestamp("updated")

    class Meta:
        source = RawMembers
        key = ("region", "id")
        history = SCD2(effective="updated", deleted_when="op = 'D'")


class VisitorsNow(silver.Table):
    """The same, as they are now."""

    region = Text("region")
    id = Numeric("id")
    name = Text("name")
    host = Numeric(_HOST, rules=[References(Latest, "id", null=True)])
    updated = Timestamp("updated")

    class Meta:
        source = RawMembers
        key = ("region", "id")
        history = SCD1(effective="updated", deleted_when="op = 'D'")


class Visits(silver.Table):
    """Each good row of them."""

    name = Text("name")
    host = Numeric(_HOST, rules=[References(Latest, "id", null=True)])

    class Meta:
        source = RawMembers


class Rolls(silver.Table):
    """Who stands in each whole extract, and how."""

    id = Integer("id")
    name = Text("name", rules=[OneOf("A", "", null=True)])
    state = Text("state")

    class Meta:
        source = RawMembers
        key = "id"
        history = SCD2(full_extract=True)
        where = "state IS DISTINCT FROM 'z'"


class RollNow(silver.Table):
    """Who stands in the latest extract."""

    id = Integer("id")
    name = Text("name", rules=[OneOf("A", "", null=True)])
    state = Text("state")

    class Meta:
        source = RawMembers
        key = "id"
        history = SCD1(full_extract=True)
        where = "state IS DISTINCT FROM 'z'"


class DimMember(gold.Dimension):
    """Present members."""

    query, key, surrogate = "dim_member.sql", ("region", "id"), "member_key"


class MembersByRegion(gold.Aggregate):
    """How many members each region has."""

    query, grain = "members_by_region.sql", "region"


class Names(gold.Aggregate):
    """Who is called how, from a gold and a silver table."""

    query, grain = "names.sql", "name"


class ReadingsByDay(gold.Aggregate):
    """What was read on each day."""

    query, grain = "readings_by_day.sql", "day"


class LabDays(gold.Calendar):
    """The laboratory's days; what is said of others is of an unknown day."""

    first, last = "2024-01-02", "2024-12-31"


class DimVersion(gold.Dimension):
    """Members in all their versions."""

    query, key, surrogate = "dim_version.sql", "region id valid_from", "version_key"
    label = Generated("coalesce(name, '?') || '/' || coalesce(state, '?')")
    unknown = {"name": "nobody"}


class FactEvents(gold.Fact):
    """What was last said of each member, with the member as it was then."""

    query, grain, surrogate = "fact_events.sql", "region id", "event_key"
    dimensions = {"version_key": DimVersion, "member_key": DimMember, "date_key": LabDays}
    partition_by = "date_key"
    doubled = Generated("score * 2", of=Integer)
    indexes = {
        "fact_events_version_idx": gold.Index("version_key"),
        "fact_events_day": gold.Index("date_key", using="brin"),
    }
    checks = [gold.Between("score", 0, 1_000), gold.References("version_key", DimVersion)]


class EventsByLabel(gold.Aggregate):
    """What was said, by members' names and states."""

    query, grain = "events_by_label.sql", "label"


class EventsNow(gold.MaterializedView):
    """Events with their members' names."""

    query, key = "events_now.sql", "region id"
