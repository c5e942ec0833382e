"""Contracts to SQL. Pure functions: the same contract always gives the same text."""

from __future__ import annotations

from medallion.compile.changes import Change, create, inputs, remove, replace

__all__ = ["Change", "create", "inputs", "remove", "replace"]
