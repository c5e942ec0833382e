"""What may stand in a query whose affected keys are asked for, and in the conditions that ask for them."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

#: Functions that say the same of the same values whenever they are asked, and read no table.
_STEADY: tuple[type[exp.Func], ...] = (
    exp.Abs, exp.And, exp.ArrayAgg, exp.Avg, exp.Case, exp.Cast, exp.Ceil, exp.Coalesce,
    exp.Concat, exp.ConcatWs, exp.Count, exp.Exp, exp.Extract, exp.Floor, exp.Greatest, exp.GroupConcat, exp.If,
    exp.Initcap, exp.JSONExtract, exp.JSONExtractScalar, exp.Least, exp.Left, exp.Length, exp.Ln, exp.LogicalAnd,
    exp.LogicalOr, exp.Lower, exp.MD5, exp.Max, exp.Min, exp.Nullif, exp.Or, exp.Pad, exp.Pow, exp.RegexpILike,
    exp.RegexpLike, exp.RegexpReplace, exp.Replace, exp.Reverse, exp.Right, exp.Round, exp.Sign, exp.SplitPart,
    exp.Sqrt, exp.Stddev, exp.StddevPop, exp.StddevSamp, exp.StrPosition, exp.StrToDate, exp.StrToTime,
    exp.Substring, exp.Sum, exp.TimeToStr, exp.TimestampTrunc, exp.Trim, exp.Upper, exp.Variance, exp.VariancePop,
    exp.Xor,
)  # fmt: skip
_STEADY_NAMES = {"btrim", "date_part", "ltrim", "make_date", "make_interval", "mod", "rtrim", "to_number", "trim_scale",
                 "width_bucket"}  # fmt: skip
#: Texts that PostgreSQL casts to another time each day.
_TODAY = ("now", "today", "tomorrow", "yesterday")
#: What is written again as it was read, so that a condition made of it asks what the author's asks.
_PLAIN: tuple[type[exp.Expr], ...] = (
    exp.Abs, exp.Add, exp.And, exp.AtTimeZone, exp.Between, exp.Boolean, exp.Case, exp.Cast, exp.Ceil, exp.Coalesce,
    exp.Column, exp.DPipe, exp.DataType, exp.DataTypeParam, exp.Div, exp.EQ, exp.Extract, exp.Floor, exp.GT, exp.GTE,
    exp.Greatest, exp.ILike, exp.Identifier, exp.If, exp.In, exp.Initcap, exp.Is, exp.LT, exp.LTE, exp.Least, exp.Left,
    exp.Like, exp.Literal, exp.Lower, exp.Mod, exp.Mul, exp.NEQ, exp.Neg, exp.Not, exp.Null, exp.NullSafeEQ,
    exp.NullSafeNEQ, exp.Nullif, exp.Or, exp.Paren, exp.Replace, exp.Right, exp.Round, exp.SplitPart, exp.Sub,
    exp.TimestampTrunc, exp.Trim, exp.Upper, exp.Var,
)  # fmt: skip


def is_plain(expression: exp.Expr) -> bool:
    """Whether an expression is written again exactly as it was read."""
    return all(isinstance(node, _PLAIN) for node in expression.walk())


def unsteady(tree: exp.Expr) -> str | None:
    """The name of a function of which Assay does not know that it is one of its arguments alone."""
    for function in tree.find_all(exp.Func):
        if isinstance(function, exp.Anonymous | exp.AnonymousAggFunc):
            if function.name.lower() not in _STEADY_NAMES:
                return f"{function.name}()"
        elif not isinstance(function, _STEADY):
            return f"{function.sql_name().lower()}()"
    for cast in tree.find_all(exp.Cast):
        if isinstance(cast.this, exp.Literal) and cast.this.name.strip().lower() in _TODAY:
            return f"'{cast.this.name}'"
    return None


def conjuncts(condition: exp.Expr | None) -> Iterator[exp.Expr]:
    """The conditions that all hold where a condition does."""
    if condition is None:
        return
    if isinstance(condition, exp.And):
        yield from conjuncts(condition.left)
        yield from conjuncts(condition.right)
    elif isinstance(condition, exp.Paren):
        yield from conjuncts(condition.this)
    else:
        yield condition


def name_of(identifier: exp.Expr) -> str:
    """A name as the database knows it."""
    found = identifier.this if isinstance(identifier, exp.Column) else identifier
    if isinstance(found, exp.Identifier) and found.args.get("quoted"):
        return str(found.name)
    return str(found.name).lower()


def alias_of(column: exp.Column) -> str:
    """The name of the table before a column; empty where none is written."""
    table = column.args.get("table")
    return name_of(table) if table is not None else ""
