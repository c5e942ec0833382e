"""OpenRefine's test files: encodings, line breaks in cells, empty columns, and two large ones."""

from medallion.warehouse import Integer, Matches, Numeric, Required, Text, Timestamp, bronze, silver, sources


class Birds(sources.CsvFiles):
    path = "openrefine_files/birds.csv"


class Contracts(sources.CsvFiles):
    path = "openrefine_files/government_contracts.csv"


class Food(sources.CsvFiles):
    path = "openrefine_files/food.small.csv"


class Persons(sources.CsvFiles):
    path = "openrefine_files/persons*.csv"


class Queens(sources.CsvFiles):
    path = "openrefine_files/example-linebreaks-in-cells.csv"


class Breaks(sources.CsvFiles):
    path = "openrefine_files/example-linebreaks-in-cells.tsv"


class Marked(sources.CsvFiles):
    path = "openrefine_files/csv-with-bom.csv"


class Floods(sources.CsvFiles):
    """By their marks UTF-16, else what is declared. UTF-8 is tried by another source."""

    path = "openrefine_files/example-*[1m].tsv"
    encoding = "cp1252"


class Floods8(sources.CsvFiles):
    path = "openrefine_files/example-utf8.tsv"


class Movies(sources.CsvFiles):
    path = "openrefine_files/movies-condensed.tsv"


class Presidents(sources.CsvFiles):
    path = "openrefine_files/presidents.tsv"


class RawBirds(bronze.Table):
    source = Birds
    columns = {"bird": "Bird", "location": "Location", "priority": "Priority level"}


class RawContracts(bronze.Table):
    source = Contracts
    columns = {
        "contract_id": "Contract ID", "contractor": "Contractor Name", "kind": "Type of Contract",
        "awarded_at": "Date of Award", "value": "Total value of Contract",
    }  # fmt: skip


class RawFood(bronze.Table):
    source = Food
    columns = {"ndb_no": "NDB_No", "description": "Shrt_Desc", "lutein": "Lut+Zea"}


class RawPersonsAge(bronze.Table):
    source = Persons
    columns = "name age gender"


class RawQueens(bronze.Table):
    source = Queens
    columns = {"name": "name", "description": "description", "born": "yearOfBirth"}


class RawBreaks(bronze.Table):
    source = Breaks
    columns = {"first": "1st", "second": "2nd", "third": "3rd", "fourth": "4th"}


class RawMarked(bronze.Table):
    source = Marked
    columns = {"a": "ColA", "b": "ColB"}


class RawFloods(bronze.Table):
    source = Floods
    columns = "country location type"


class RawFloods8(bronze.Table):
    source = Floods8
    columns = "country location type"


class RawMovies(bronze.Table):
    source = Movies
    columns = {"name": "name", "director": "Directed by", "budget": "Estimated budget - Amount"}


class RawPresidents(bronze.Table):
    source = Presidents
    columns = "name guid id key"


class RealContracts(silver.Table):
    """Contracts with a contractor."""

    contract_id = Integer("contract_id", rules=[Required()])
    contractor = Text("trim(contractor)", rules=[Required("The contractor is missing")])
    awarded_at = Timestamp("awarded_at")
    value = Numeric("value", rules=[Required()])

    class Meta:
        source = RawContracts


class PersonsAge(silver.Table):
    name_of = Text("name", rules=[Required()])
    age = Integer("age", rules=[Required()])
    gender = Text("gender", rules=[Matches("^[FM]$")])

    class Meta:
        source = RawPersonsAge
