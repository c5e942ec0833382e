"""The app of a first warehouse, as a person would write it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from medallion import warehouse
from medallion.starting.guessing import Guess
from medallion.suggesting import Suggestion

_ENDS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


def write(folder: Path, label: str, guesses: Sequence[tuple[Guess, str]]) -> list[Path]:
    """Writes `__init__.py`, `apps.py` and `warehouse.py`; returns their paths. guesses: (table, glob of its files)."""
    folder.mkdir(parents=True)
    name = "".join(part.capitalize() for part in label.split("_"))
    files = {
        "__init__.py": "",
        "apps.py": f'from django.apps import AppConfig\n\n\nclass {name}Config(AppConfig):\n    name = "{label}"\n',
        "warehouse.py": declaration(label, guesses),
    }
    paths = []
    for file, text in files.items():
        (folder / file).write_text(text, encoding="utf-8")
        paths.append(folder / file)
    return paths


def declaration(label: str, guesses: Sequence[tuple[Guess, str]]) -> str:
    """warehouse.py."""
    tables = "".join(_table(guess, path) for guess, path in guesses)
    silver = ", ".join(camel(guess.name) for guess, _path in guesses)
    body = f"""{tables}

class Daily(Pipeline):
    \"\"\"All tables.\"\"\"

    name = "{label}_daily"
    targets = [{silver}]
"""
    used = {"Pipeline", "bronze", "silver", "sources", *re.findall(r"\b([A-Z]\w+)\(", body)}
    imported = sorted((name for name in used if name in _known()), key=lambda name: (name.islower(), name))
    names = "".join(f"    {name},\n" for name in imported)
    return (
        f'"""Guessed from the files of {label}; remarks say what a guess stands on. Change what you know better."""\n'
        f"\nfrom medallion.warehouse import (\n{names})\n{body}"
    )


def _known() -> set[str]:
    return set(warehouse.__all__)


def _table(guess: Guess, path: str) -> str:
    name, look = camel(guess.name), guess.look
    source = [f'path = "{path}"']
    if look.delimiter != ",":
        shown = "\\t" if look.delimiter == "\t" else look.delimiter
        source.append(
            f'delimiter = "{shown}"  # {look.even:,} of {look.seen:,} lines have {len(look.headers)} cells with it'
        )
    if look.encoding:
        source.append(f'encoding = "{look.encoding}"  # not UTF-8, and no byte order mark')
    columns = "\n".join(_column(suggestion) for suggestion in guess.suggestions)
    key = f'key = "{guess.key[0]}"' if len(guess.key) == 1 else f"key = ({', '.join(f'{k!r}' for k in guess.key)})"
    key = key.replace("'", '"')
    meta = [f"source = Raw{name}", *([f"{key}  # {guess.why}"] if guess.key else [])]
    meta.append(f"history = {guess.history}" + ("" if guess.key else f"  # {guess.why}"))
    lines = "\n        ".join(meta)
    declared = "\n    ".join(source)
    return f'''

class {name}File(sources.CsvFiles):
    """{_docstring(look.path.name)}"""

    {declared}


class Raw{name}(bronze.Table):
    """Rows of {_docstring(look.path.name)} as they arrive."""

    source = {name}File
    columns = {_columns(guess)}


class {name}(silver.Table):
    """{_docstring(guess.name.replace("_", " ").capitalize())}."""

{columns}

    class Meta:
        {lines}
'''


def _columns(guess: Guess) -> str:
    if all(name == header for name, header in guess.columns.items()):
        return f'"{" ".join(guess.columns)}"'
    pairs = "".join(f'        "{name}": {_quoted(header)},\n' for name, header in guess.columns.items())
    return f"{{\n{pairs}    }}"


def _column(suggestion: Suggestion) -> str:
    remark = "; ".join(suggestion.evidence).replace("\n", " ").replace("\r", " ")
    return f"    # {remark}\n    {suggestion.name} = {suggestion.code}"


def _quoted(text: str) -> str:
    return repr(text) if '"' in text or "\\" in text else f'"{text}"'


def _docstring(text: str) -> str:
    return text.replace("\\", "/").replace('"', "'")


def camel(name: str) -> str:
    """A table's name as a class's."""
    return "".join(part.capitalize() for part in name.split("_"))
