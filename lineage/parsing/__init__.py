"""Column lineage read from SQL: which column each column is made of, and what else decides on it.

`statements` cuts a routine into statements, `queries` and `expressions` resolve SELECTs, `writes` turns statements into
edges, `routines` follows a whole routine with its variables, temp tables and calls. Nothing here touches the database;
what is not understood is named, never left out.
"""

from __future__ import annotations

import logging

# It says with INFO what it does to the subscripts of arrays.
logging.getLogger("sqlglot").setLevel(logging.WARNING)
