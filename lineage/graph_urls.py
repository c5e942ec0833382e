"""The pages of the catalog and of the graph, for the admin site."""

from __future__ import annotations

from lineage import catalog_views, column_views, graph_views, search_views, trace_views
from lineage.pages import Page
from lineage.permissions import SEE_TABLES
from lineage.subjects import of_name, of_table

PAGES = (
    Page("tables/", catalog_views.tables, "tables", "Tables", SEE_TABLES, order=40, in_navigation=True),
    Page(
        "tables/<path:name>/",
        catalog_views.table,
        "table",
        "Table",
        SEE_TABLES,
        order=41,
        parent="tables",
        about=of_name,
    ),
    Page("lineage/", graph_views.lineage, "lineage", "Lineage", SEE_TABLES, order=50, in_navigation=True),
    Page("lineage.svg", graph_views.lineage_svg, "lineage-svg", "Lineage", SEE_TABLES, order=51, parent="lineage"),
    Page("lineage.json", graph_views.lineage_json, "lineage-json", "Lineage", SEE_TABLES, order=52, parent="lineage"),
    Page("lineage.csv", graph_views.lineage_csv, "lineage-csv", "Lineage", SEE_TABLES, order=52, parent="lineage"),
    Page("columns/", column_views.column, "column", "Column", SEE_TABLES, order=42, parent="tables", about=of_table),
    Page(
        "impact.csv", column_views.impact_csv, "impact-csv", "Impact", SEE_TABLES, order=43, parent="column",
        about=of_table,
    ),
    Page("search/", search_views.search_page, "search", "Search", SEE_TABLES, order=46),
    Page("search.json", search_views.search_json, "search-json", "Search", SEE_TABLES, order=47, parent="search"),
    Page(
        "trace/", trace_views.trace_page, "trace", "Trace", SEE_TABLES, order=53, parent="tables", about=of_table
    ),
    Page(
        "trace.json", trace_views.trace_json, "trace-json", "Trace", SEE_TABLES, order=54, parent="trace",
        about=of_table,
    ),
    Page(
        "explain/", trace_views.explain_page, "explain", "Explain", SEE_TABLES, order=55, parent="tables",
        about=of_table,
    ),
    Page(
        "explain.json", trace_views.explain_json, "explain-json", "Explain", SEE_TABLES, order=56, parent="explain",
        about=of_table,
    ),
    Page("watermarks/", catalog_views.watermarks, "watermarks", "Watermarks", SEE_TABLES, order=45, in_navigation=True),
)  # fmt: skip
