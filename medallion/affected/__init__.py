"""Which keys of a gold table a change of its inputs touches: from the text of a query to the text of other queries."""

from medallion.affected.planning import NOT_NARROWED, Delta, Plan, plan
from medallion.affected.shape import Whole
from medallion.affected.sums import Sums

__all__ = ["NOT_NARROWED", "Delta", "Plan", "Sums", "Whole", "plan"]
