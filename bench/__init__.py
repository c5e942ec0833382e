"""The measures: how close to the limit of the server each operation comes."""
