"""Contracts to SQL. Pure functions: the same contract always gives the same text."""

from __future__ import annotations

from medallion.compile.changes import Change, binds, consequence, create, inputs, remove, replace, replace_with_inputs
from medallion.compile.renames import settled

__all__ = ["Change", "binds", "consequence", "create", "inputs", "remove", "replace", "replace_with_inputs", "settled"]
