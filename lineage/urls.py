"""The pages of this app, as the admin site mounts them."""

from lineage import compare_views, views
from lineage.pages import Page

PAGES = (
    Page("runs/", views.runs, "runs", "Runs", "lineage.view_pipelinerun", order=10, in_navigation=True),
    Page(
        "runs/compare/", compare_views.compare_runs, "run-compare", "Compare", "lineage.view_pipelinerun", parent="runs"
    ),
    Page("runs/<int:run_id>/", views.run, "run", "Run", "lineage.view_pipelinerun", parent="runs"),
    Page("workers/", views.workers, "workers", "Workers", "lineage.view_pipelinerun", parent="runs"),
)
