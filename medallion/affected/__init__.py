"""Which keys of a gold table a change of its inputs touches: from the text of a query to the text of other queries."""

from medallion.affected.planning import Delta, Plan, plan
from medallion.affected.shape import Whole

__all__ = ["Delta", "Plan", "Whole", "plan"]
