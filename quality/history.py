"""The history of a rule or a check: its measurements, and a picture of them with the threshold and the versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection

from quality.models import QualityMetric, QualityRule
from quality.override_models import QualityOverride

SHOWN = 60
WIDTH, HEIGHT, EDGE = 1000, 160, 8


@dataclass(frozen=True)
class Point:
    """A measurement in the picture; `title` says it in words."""

    x: float
    y: float
    passed: bool
    title: str


@dataclass(frozen=True)
class Chart:
    """A picture in units of WIDTH × HEIGHT: a line of points, the band that is allowed, marks of new versions."""

    points: list[Point]
    band: tuple[float, float] | None  # top and height
    marks: list[float]
    lowest: str
    highest: str

    @property
    def line(self) -> str:
        """For <polyline points>."""
        return " ".join(f"{point.x:g},{point.y:g}" for point in self.points)


@dataclass(frozen=True)
class Governing:
    """How a rule is judged in the next batch."""

    severity: str
    threshold: str | None


def metrics_of(rule: QualityRule) -> list[QualityMetric]:
    """The latest measurements of a rule, the newest first. Uses index quality_metrics_idx."""
    found = QualityMetric.objects.filter(table_name=rule.target_id, metric_name=rule.rule).select_related("run")
    return list(found.order_by("-measured_at")[:SHOWN])


def governing(rule: QualityRule) -> Governing | None:
    """How it is judged in the next batch; None where no declaration states it any more."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT g.severity, g.threshold FROM dwh_lineage.governing(%s) AS g WHERE g.rule = %s",
            [rule.target_id, rule.rule],
        )
        row = cursor.fetchone()
    return Governing(*row) if row else None


def overrides_of(rule: QualityRule) -> list[QualityOverride]:
    """What people have set, the latest first."""
    found = QualityOverride.objects.filter(target=rule.target_id, name=rule.rule).select_related("author")
    return list(found.order_by("-pk")[:SHOWN])


def shown_value(metric: QualityMetric) -> float | None:
    """What the picture shows: the pass rate of a rule in percent, the value of a check."""
    details = metric.details or {}
    if "broken" in details:
        return 100 * (1 - float(details["broken"]) / float(details["rows"]))
    return None if metric.metric_value is None else float(metric.metric_value)


def bounds(metric: QualityMetric) -> tuple[float | None, float | None]:
    """Within which bounds that has to be."""
    details = metric.details or {}
    if "broken" in details:
        limit, rows = str(details.get("threshold", 0)), details["rows"]
        share = float(limit.rstrip("%")) if limit.endswith("%") else 100 * float(limit) / rows
        return max(0.0, 100 - share), 100.0
    low, high = details.get("low"), metric.threshold
    return (None if low is None else float(low)), (None if high is None else float(high))


def chart(metrics: Sequence[QualityMetric]) -> Chart | None:
    """The picture of measurements that are given the newest first; None without a number to show."""
    shown = [(metric, value) for metric in reversed(metrics) if (value := shown_value(metric)) is not None]
    if not shown:
        return None
    low, high = bounds(shown[-1][0])
    values = [value for _, value in shown]
    least = min([*values, *([low] if low is not None else [])])
    most = max([*values, *([high] if high is not None else [])])
    room = (most - least) * 0.05 or max(abs(most) * 0.05, 1)
    bottom, top = least - room, most + room

    def y(value: float) -> float:
        return round(HEIGHT - (value - bottom) / (top - bottom) * HEIGHT, 1)

    step = (WIDTH - 2 * EDGE) / max(len(shown) - 1, 1)
    places = [round(EDGE + number * step, 1) if len(shown) > 1 else WIDTH / 2 for number in range(len(shown))]
    points = [
        Point(x, y(value), metric.passed is not False, f"{metric.measured_at:%Y-%m-%d %H:%M}: {_figure(metric, value)}")
        for x, (metric, value) in zip(places, shown, strict=True)
    ]
    versions = [(metric.details or {}).get("version") for metric, _ in shown]
    marks = [places[number] for number in range(1, len(shown)) if versions[number] != versions[number - 1]]
    band = None
    if low is not None or high is not None:
        upper, under = y(high) if high is not None else 0.0, y(low) if low is not None else float(HEIGHT)
        band = (max(0.0, upper - 1), max(2.0, under - upper + 2))
    return Chart(points, band, marks, _figure(shown[-1][0], min(values)), _figure(shown[-1][0], max(values)))


def _figure(metric: QualityMetric, value: float) -> str:
    if "broken" in (metric.details or {}):
        # What is not all is never rounded up to all.
        return "100 %" if value == 100 else f"{min(value, 99.99):.2f} %"
    return f"{Decimal(str(round(value, 4))).normalize():,f}"
