"""Febrl: five files of persons with typing errors; cells begin with a space, dates are yyyymmdd."""

from medallion.warehouse import Date, Matches, OneOf, Required, Text, bronze, silver, sources


class Persons(sources.CsvFiles):
    path = "febrl/febrl/dataset*.csv"


class RawPersons(bronze.Table):
    source = Persons
    columns = "rec_id given_name surname street_number suburb postcode state date_of_birth soc_sec_id"


class RealPersons(silver.Table):
    rec_id = Text("trim(rec_id)", rules=[Matches("^rec-[0-9]+-(org|dup-[0-9]+)$")])
    surname = Text("trim(surname)")
    postcode = Text("trim(postcode)", rules=[Matches("^[0-9]{4}$")])
    state = Text("trim(state)", rules=[OneOf("act", "nsw", "nt", "qld", "sa", "tas", "vic", "wa")])
    born_on = Date(r"regexp_replace(trim(date_of_birth), '^(\d{4})(\d\d)(\d\d)$', '\1-\2-\3')", rules=[Required()])

    class Meta:
        source = RawPersons
