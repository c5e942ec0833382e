"""Cuts the body of a routine into statements, with sqlglot's tokenizer: strings, comments and quoted names in it can
hold any keyword. PL/pgSQL's own statements are told apart from SQL; what sqlglot cannot parse is blanked out of that.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import TokenError
from sqlglot.tokenizer_core import Token, TokenType


class _Body(Postgres):
    """PostgreSQL without statements that swallow the rest of the text as it stands (EXECUTE, CALL, …)."""

    class Tokenizer(Postgres.Tokenizer):
        COMMANDS: set[TokenType] = set()  # type: ignore[misc]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. kind: sql · temp table · condition · assign · loop · fetch · return query · return next · return ·
    call · execute · control · utility · unknown; text: SQL that can be parsed (of a fetch the cursor's name); into: the
    variables that get its result; words: its beginning, to name it."""

    kind: str
    text: str
    words: str
    into: tuple[str, ...] = ()


@dataclass(slots=True)
class Body:
    """A routine's statements, and the names it declares."""

    statements: list[Statement] = field(default_factory=list)
    variables: set[str] = field(default_factory=set)


#: Statements that move no values between columns.
UTILITIES = frozenset(
    ("alter", "analyze", "cluster", "comment", "create", "deallocate", "discard", "drop", "grant", "listen", "lock",
     "notify", "prepare", "reindex", "release", "reset", "revoke", "savepoint", "security", "set", "truncate",
     "unlisten", "vacuum", "commit", "rollback", "begin", "start", "abort", "refresh", "explain")
)  # fmt: skip
CONTROL = frozenset(["raise", "get", "null", "exit", "continue", "assert", "close", "move"])
QUERIES = frozenset(["select", "with", "insert", "update", "delete", "merge", "values", "table"])


def words_of(text: str) -> str:
    """The beginning of a statement in one line."""
    joined = " ".join(text.split())
    return joined if len(joined) <= 100 else joined[:99] + "…"


@functools.lru_cache(maxsize=1_000)
def cut(text: str, language: str) -> Body:
    """The statements of a body, not to be changed; TokenError where it is no SQL at all."""
    return _Cutter(text, is_procedural=language == "plpgsql").cut()


def one(text: str) -> Statement:
    """A single SQL statement."""
    (statement,) = cut(text, "sql").statements
    return statement


class _Cutter:
    def __init__(self, text: str, *, is_procedural: bool) -> None:
        self.text = text
        self.is_procedural = is_procedural
        self.tokens: list[Token] = _Body().tokenize(text)
        self.at = 0
        self.body = Body()

    def cut(self) -> Body:
        while self.at < len(self.tokens):
            if self._word() == ";":
                self.at += 1
            elif self.is_procedural:
                self._procedural()
            elif self._word() == "begin" and self._word(1) == "atomic":
                self.at += 2
            elif self._word() == "end" and self._word(1) in ("", ";"):
                self.at += 1
            else:
                self._sql(self._until(";"))
        return self.body

    # --- Tokens -------------------------------------------------------------------------------------------------------
    def _word(self, ahead: int = 0, tokens: Sequence[Token] | None = None) -> str:
        tokens = self.tokens if tokens is None else tokens
        place = (self.at if tokens is self.tokens else 0) + ahead
        if not 0 <= place < len(tokens) or tokens[place].token_type in (TokenType.STRING, TokenType.IDENTIFIER):
            return ""
        return tokens[place].text.lower()

    def _until(self, *ends: str) -> list[Token]:
        """The tokens up to one of `ends` outside of parentheses and of CASE … END; the end itself is passed."""
        found: list[Token] = []
        depth = cases = 0
        while self.at < len(self.tokens):
            word = self._word()
            if depth == 0 and cases == 0 and word in ends:
                self.at += 1
                return found
            depth += (word in "([" and word != "") - (word in ")]" and word != "")
            cases += (word == "case") - (word == "end" and cases > 0)
            found.append(self.tokens[self.at])
            self.at += 1
        return found

    def _slice(self, tokens: Sequence[Token], without: Sequence[tuple[int, int]] = ()) -> str:
        """The text of some tokens, with some of them (from, to) blanked out."""
        if not tokens:
            return ""
        start = tokens[0].start
        text = self.text[start : tokens[-1].end + 1]
        for first, last in without:
            begin, end = tokens[first].start - start, tokens[last].end + 1 - start
            text = text[:begin] + " " * (end - begin) + text[end:]
        return text

    def _add(self, kind: str, tokens: Sequence[Token], text: str | None = None, into: tuple[str, ...] = ()) -> None:
        words = words_of(self._slice(tokens))
        self.body.statements.append(Statement(kind, self._slice(tokens) if text is None else text, words, into))

    # --- PL/pgSQL -----------------------------------------------------------------------------------------------------
    def _procedural(self) -> None:
        word = self._word()
        if word == "declare":
            self.at += 1
            self._declarations()
        elif word == "<" and self._word(1) == "<":
            self.at += 5
        elif word == "#":
            self.at += 3
        elif word in ("begin", "loop", "else") or (word == "exception" and self._word(1) == "when"):
            self.at += 1
        elif word in ("if", "elsif", "elseif", "while", "when"):
            self.at += 1
            self._condition(self._until("loop" if word == "while" else "then"), is_error=word == "when")
        elif word == "case":
            self.at += 1
            self._condition(self._until("when"), is_error=False)
            self.at -= 1
        elif word == "end":
            self._until(";")
        elif word in ("for", "foreach"):
            self._loop()
        else:
            self._simple(self._until(";"))

    def _declarations(self) -> None:
        while self.at < len(self.tokens) and self._word() != "begin":
            tokens = self._until(";")
            if not tokens:
                return
            name = tokens[0].text.lower()
            self.body.variables.add(name)
            for place, token in enumerate(tokens):
                word = "" if token.token_type == TokenType.STRING else token.text.lower()
                if word in (":=", "=", "default"):
                    self._add("assign", tokens, "SELECT " + self._slice(tokens[place + 1 :]), (name,))
                    break
                if word in ("for", "is") and place and any(t.text.lower() == "cursor" for t in tokens[:place]):
                    self._add("loop", tokens, self._clean(tokens[place + 1 :])[0], (name,))
                    break

    def _condition(self, tokens: list[Token], *, is_error: bool) -> None:
        """IF and its like; the names of errors after EXCEPTION WHEN are none."""
        kinds = {TokenType.VAR, TokenType.OR, TokenType.STRING}
        if tokens and not (is_error and all(token.token_type in kinds for token in tokens)):
            self._add("condition", tokens, "SELECT " + self._slice(tokens))

    def _loop(self) -> None:
        self.at += 1
        target = self._until("in")
        names = tuple(t.text.lower() for t in target if t.text not in (",", ".") and t.text.lower() != "slice")
        self.body.variables.update(names)
        tokens = self._until("loop")
        first = self._word(0, tokens)
        if first in QUERIES or (first == "(" and self._word(1, tokens) in QUERIES):
            self._add("loop", tokens, self._clean(tokens)[0], names)
        elif first == "execute":
            self._execute(tokens, names)
        elif first == "array":
            self._add("assign", tokens, "SELECT " + self._slice(tokens[1:]), names)
        elif ".." in self._slice(tokens).replace(" ", ""):
            self._add("control", tokens, "", names)
        else:  # a cursor
            self._add("assign", tokens, "SELECT " + self._slice(tokens), names)

    def _simple(self, tokens: list[Token]) -> None:
        word, following = self._word(0, tokens), self._word(1, tokens)
        assigned = self._assignment(tokens)
        if assigned is not None:
            name = tokens[0].text.lower()
            self._add("assign", tokens, "SELECT " + self._clean(tokens[assigned + 1 :])[0], (name,))
        elif word == "perform":
            self._add("sql", tokens, "SELECT " + self._clean(tokens[1:])[0])
        elif word == "return" and following == "query":
            if self._word(2, tokens) == "execute":
                self._execute(tokens[2:], ())
            else:
                self._add("return query", tokens, self._clean(tokens[2:])[0])
        elif word == "return" and following == "next":
            self._add("return next", tokens, "SELECT " + self._slice(tokens[2:]) if tokens[2:] else "")
        elif word == "return":
            kind = "return" if tokens[1:] else "control"
            self._add(kind, tokens, "SELECT " + self._clean(tokens[1:])[0])
        elif word == "open" and "for" in [t.text.lower() for t in tokens[:4]]:
            place = [t.text.lower() for t in tokens].index("for")
            if self._word(place + 1, tokens) == "execute":
                self._execute(tokens[place + 1 :], (tokens[1].text.lower(),))
            else:
                self._add("loop", tokens, self._clean(tokens[place + 1 :])[0], (tokens[1].text.lower(),))
        elif word == "open":
            self._add("control", tokens)
        elif word == "fetch":
            text, into = self._clean(tokens)
            cursor = text.split()[-1] if text.split() else ""
            self._add("fetch", tokens, cursor.lower(), into)
        elif word in CONTROL:
            self._add("control", tokens)
        elif word == "execute":
            self._execute(tokens, ())
        else:
            self._sql(tokens)

    def _assignment(self, tokens: list[Token]) -> int | None:
        """Where `:=` (or `=`) of an assignment is."""
        depth = 0
        for place, token in enumerate(tokens):
            depth += (token.text in ("(", "[")) - (token.text in (")", "]"))
            if depth == 0 and token.token_type == TokenType.COLON_EQ:
                return place
            if depth == 0 and token.token_type == TokenType.EQ:
                return place if self._word(0, tokens) not in {*QUERIES, *CONTROL, "perform", "return"} else None
            if depth == 0 and place > 3 and token.text not in (".", "]", ")"):
                return None
        return None

    def _execute(self, tokens: list[Token], into: tuple[str, ...]) -> None:
        """Dynamic SQL; a constant string is as good as the statement itself."""
        if len(tokens) > 1 and tokens[1].token_type in (TokenType.STRING, TokenType.HEREDOC_STRING):
            following = self._word(2, tokens)
            if following in ("", "using", "into"):
                inner = cut(tokens[1].text, "sql").statements
                self.body.statements += [Statement(s.kind, s.text, s.words, into or s.into) for s in inner]
                return
        # format('ALTER TABLE %s …'): whatever the names, it moves no values.
        literals = [t.text for t in tokens[:4] if t.token_type in (TokenType.STRING, TokenType.HEREDOC_STRING)]
        first = literals[0].split(maxsplit=1)[0].lower() if literals and literals[0].strip() else ""
        makes_rows = first == "create" and " as " in literals[0].lower()
        self._add("utility" if first in UTILITIES and not makes_rows else "execute", tokens, "", into)

    # --- SQL ----------------------------------------------------------------------------------------------------------
    def _sql(self, tokens: list[Token]) -> None:
        word = self._word(0, tokens)
        if word == "call":
            self._add("call", tokens, "SELECT " + self._slice(tokens[1:]))
            return
        text, into = self._clean(tokens)
        if word == "create" and _makes_rows(tokens):
            self._add("sql", tokens, text)
        elif word in QUERIES or word == "(":
            self._add("sql", tokens, text, into)
        elif word == "return":  # the body of a function in standard SQL
            self._add("sql", tokens, "SELECT " + self._slice(tokens[1:]))
        elif word == "create" and self._word(1, tokens) in ("temp", "temporary"):
            self._add("temp table", tokens, text)
        elif word in UTILITIES:
            self._add("utility", tokens)
        else:
            self._add("unknown", tokens)

    def _clean(self, tokens: Sequence[Token]) -> tuple[str, tuple[str, ...]]:
        """(the text without what sqlglot does not know and what changes no lineage, the variables after INTO)."""
        dropped: list[tuple[int, int]] = []
        into: tuple[str, ...] = ()
        quoted = (TokenType.STRING, TokenType.IDENTIFIER)
        words = ["" if token.token_type in quoted else token.text.lower() for token in tokens]
        place = 0
        while place < len(words):
            length = _skipped(words, place)
            if not length and self.is_procedural and words[place] == "into" and not into:
                length, into = self._into(tokens, words, place)
            if length:
                dropped.append((place, place + length - 1))
            place += length or 1
        return self._slice(tokens, dropped), into

    def _into(self, tokens: Sequence[Token], words: list[str], place: int) -> tuple[int, tuple[str, ...]]:
        """The length and the names of `INTO [STRICT] a, b.c`; 0 where it is that of INSERT INTO or MERGE INTO."""
        if place and words[place - 1] in ("insert", "merge"):
            return 0, ()
        names: list[str] = []
        end = place + 1 + (place + 1 < len(words) and words[place + 1] == "strict")
        while end < len(tokens):
            names.append(tokens[end].text.lower())
            end += 1
            while end + 1 < len(tokens) and words[end] == ".":
                end += 2
            if end >= len(tokens) or words[end] != ",":
                break
            end += 1
        return end - place, tuple(names)


#: Phrases that sqlglot does not parse and that change no lineage.
_PHRASES = (
    ("on", "commit", "drop"), ("on", "commit", "delete", "rows"), ("on", "commit", "preserve", "rows"),
    ("with", "no", "data"), ("with", "data"), ("overriding", "system", "value"), ("overriding", "user", "value"),
    ("not", "materialized"), ("materialized",),
)  # fmt: skip


_FIRST = frozenset(phrase[0] for phrase in _PHRASES)


def _skipped(words: list[str], place: int) -> int:
    if words[place] not in _FIRST:
        return 0
    for phrase in _PHRASES:
        if words[place : place + len(phrase)] == list(phrase):
            if phrase[-1] == "materialized" and words[place - 1] != "as":  # CREATE MATERIALIZED VIEW
                continue
            return len(phrase)
    return 0


def _makes_rows(tokens: Sequence[Token]) -> bool:
    """Whether a CREATE has a query: CREATE TABLE … AS, CREATE [MATERIALIZED] VIEW … AS."""
    words: Iterator[str] = (t.text.lower() for t in tokens[:6])
    if not {"table", "view"} & set(words):
        return False
    kinds = [t.token_type for t in tokens]
    return any(
        kind == TokenType.ALIAS and following in (TokenType.SELECT, TokenType.WITH, TokenType.L_PAREN, TokenType.VALUES,
                                                  TokenType.TABLE, TokenType.EXECUTE)
        for kind, following in itertools.pairwise(kinds)
    )  # fmt: skip


__all__ = ["Body", "Statement", "TokenError", "cut", "one", "words_of"]
