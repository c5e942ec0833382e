"""Debezium's change events: those printed in its documentation, those of its serialization tests, and MySQL's types."""

from medallion.warehouse import SCD2, Date, Integer, Numeric, Required, Text, Timestamp, bronze, silver, sources


class Printed(sources.JsonLines):
    """Twelve connectors' events of their tables, each in a record that says where it is printed."""

    path = "cdc_debezium/doc_events.jsonl"
    envelope = sources.Debezium(at="event")


class Serialized(sources.JsonFiles):
    path = "cdc_debezium/tests/debezium-connector-common/src/test/resources/json/serde-*.json"
    envelope = sources.Debezium()


class AllTypes(sources.JsonFiles):
    """With schemas."""

    path = "cdc_debezium/flink-cdc-alltypes/debezium-data-schema-include.json"
    records = "expected_snapshot"
    envelope = sources.Debezium()


class AllTypesBare(sources.JsonFiles):
    """Without schemas: what is encoded must be declared."""

    path = "cdc_debezium/flink-cdc-alltypes/debezium-data-schema-exclude.json"
    records = "expected_snapshot"
    envelope = sources.Debezium()


class RawPrinted(bronze.Table):
    source = Printed
    columns = {
        # Cassandra has a value in an object, SQL databases of capitals theirs in capitals.
        "id": ("id.value", "_id", "id", "ID"),
        "first_name": ("first_name.value", "first_name", "FIRST_NAME"),
        "email": ("email.value", "email", "EMAIL"),
    }


class RawSerialized(bronze.Table):
    source = Serialized
    columns = "id first_name last_name email"


class RawAllTypes(bronze.Table):
    source = AllTypes
    columns = "id decimal_c numeric_c big_decimal_c date_c datetime3_c datetime6_c timestamp_c time_c"


class RawAllTypesBare(bronze.Table):
    source = AllTypesBare
    columns = {
        "decimal_c": sources.Decimal("decimal_c", scale=4),
        "numeric_c": sources.Decimal("numeric_c", scale=0),
        "date_c": sources.EpochDate("date_c"),
        "datetime3_c": sources.EpochTime("datetime3_c", "ms"),
        "datetime6_c": sources.EpochTime("datetime6_c", "us"),
    }


class PrintedCustomers(silver.Table):
    customer_id = Text("id", rules=[Required()])
    table_name = Text("_cdc_table")
    first_name = Text("first_name")
    email = Text("email")
    lsn = Text("_cdc_lsn")
    changed_at = Timestamp("_cdc_timestamp")

    class Meta:
        source = RawPrinted
        key = ("customer_id", "table_name")
        where = "lower(_cdc_table) LIKE '%customers'"
        history = SCD2(effective="changed_at", sequence="lsn", deleted_when="_cdc_operation = 'd'")


class SerializedCustomers(silver.Table):
    customer_id = Integer("id")
    name = Text("concat_ws(' ', first_name, last_name)")
    email = Text("email")
    changed_at = Timestamp("_cdc_timestamp")

    class Meta:
        source = RawSerialized
        key = "customer_id"
        history = SCD2(effective="changed_at", deleted_when="_cdc_operation = 'd'")


class Typed(silver.Table):
    amount = Numeric("decimal_c")
    whole = Numeric("numeric_c")
    day = Date("date_c")
    at3 = Timestamp("datetime3_c")
    at6 = Timestamp("datetime6_c")

    class Meta:
        source = RawAllTypes


class TypedBare(silver.Table):
    amount = Numeric("decimal_c")
    whole = Numeric("numeric_c")
    day = Date("date_c")
    at3 = Timestamp("datetime3_c")
    at6 = Timestamp("datetime6_c")

    class Meta:
        source = RawAllTypesBare
