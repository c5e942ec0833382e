"""The code that makes the tables: what is installed, its versions, the lineage read from it, and where that disagrees
with what was declared and with what runs did."""
