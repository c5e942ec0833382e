"""How many examples the random histories get, and how they are shared among processes."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

#: In all, over the tests with random histories; ASSAY_EXAMPLES asks for more, and for other ones each time.
EXAMPLES = int(os.environ.get("ASSAY_EXAMPLES", "200"))
#: A test with many examples is several tests, so that all processes of pytest-xdist have something to do.
PARTS = max(1, EXAMPLES // 250) if "ASSAY_EXAMPLES" in os.environ else 1


def examples(share: float, of_many: float | None = None) -> Callable[[Any], Any]:
    """For a test that takes its `part`: it gets a share of the examples, and of those that ASSAY_EXAMPLES asks for
    `of_many`, if given. Stands above `@given`."""
    if of_many is not None and "ASSAY_EXAMPLES" in os.environ:
        share = of_many
    of_a_part = settings(
        max_examples=max(1, math.ceil(EXAMPLES * share / PARTS)), deadline=None,
        derandomize="ASSAY_EXAMPLES" not in os.environ,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large,
            HealthCheck.differing_executors,
        ],
    )  # fmt: skip

    def decorate(test: Any) -> Any:
        return pytest.mark.parametrize("part", range(PARTS))(of_a_part(test))

    return decorate
