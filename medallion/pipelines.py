"""Pipelines as a user declares them: the tables that should be up to date, and when."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar


class Pipeline:
    """A named set of target tables; what they need is derived, and loaded before them.

        class Daily(Pipeline):
            targets = [AggDailySales, "gold.customer_lifetime_value"]
            schedule = "0 2 * * *"

    Its name is the class name in snake case, unless `name` says otherwise.
    """

    name: ClassVar[str] = ""
    targets: ClassVar[Sequence[Any]] = ()
    """Table classes, or names with their schema (`gold.agg_daily_sales`)."""
    schedule: ClassVar[str | None] = None
    """Five fields of cron, or None: it runs when somebody asks."""
    time_zone: ClassVar[str] = "UTC"
    """The zone of `schedule`, as in `Europe/Paris`."""
    catch_up: ClassVar[str] = "latest"
    """Which of the times that were missed are run: `all`, `latest`, `none`."""
    catch_up_within: ClassVar[timedelta | None] = None
    """A time that is older than this is not caught up."""
    fresh_within: ClassVar[timedelta | None] = None
    """The longest time without a success before an issue is raised; None: an hour after the next time."""
    parameters: ClassVar[Mapping[str, Any]] = {}
    """What the runs that `schedule` starts are given."""

    time_limit: ClassVar[timedelta | None] = None
    """How long a run may take; what has not ended by then is stopped, and the run fails."""
    step_time_limit: ClassVar[timedelta | None] = None
    """How long one table's load may take; None: four hours."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" not in cls.__dict__:
            cls.name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", cls.__name__).lower()

    @classmethod
    def target_names(cls) -> list[str]:
        """The names of the targets, with their schemas, in the order of the declaration."""
        return [target if isinstance(target, str) else str(target.target) for target in cls.targets]
