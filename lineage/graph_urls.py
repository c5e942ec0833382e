"""The pages of the catalog and of the graph, for the admin site."""

from __future__ import annotations

from lineage import catalog_views, graph_views
from lineage.pages import Page

SEE_TABLES = "lineage.view_target"

PAGES = (
    Page("tables/", catalog_views.tables, "tables", "Tables", SEE_TABLES, order=40, in_navigation=True),
    Page("tables/<path:name>/", catalog_views.table, "table", "Table", SEE_TABLES, order=41, parent="tables"),
    Page("lineage/", graph_views.lineage, "lineage", "Lineage", SEE_TABLES, order=50, in_navigation=True),
    Page("lineage.svg", graph_views.lineage_svg, "lineage-svg", "Lineage", SEE_TABLES, order=51, parent="lineage"),
    Page("lineage.json", graph_views.lineage_json, "lineage-json", "Lineage", SEE_TABLES, order=52, parent="lineage"),
    Page("watermarks/", catalog_views.watermarks, "watermarks", "Watermarks", SEE_TABLES, order=45, in_navigation=True),
)
