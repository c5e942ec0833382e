"""docs/explanation/house.svg: the floors of the house, their packages, and who imports whom, read from the code."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

from tests.test_house import CHECKOUT, FLOORS, FOLDERS, imports

#: What a package that has no docstring is: the modules that stand in the floor's own folder.
ABOUT = {
    "assay": "The Django project: settings, the site, the commands that start everything",
    "ecommerce": "A shop's star schema, from four systems",
    "retail": "A shop's invoices",
    "medallion": "Declarations, migrations, tables of every kind, pages",
    "quality": "Rules, causes, exceptions, decisions, gates, pages",
    "lineage": "The ledger, runs, the graph, tracing, pages",
}
WIDTH, ACROSS, GAP, BAND, LANE = 1100, 3, 12, 220, 122
CHIP_HEIGHT, LINE = 108, 15
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1c1d21 } .quiet { font-size: 11.5px; fill: #5c5f66 }
.name { font-weight: 600 } .floor { font-size: 17px; font-weight: 700 }
.band { fill: #f4f4f2 } .chip { fill: #fff; stroke: #dcdcd8 } .arrow { stroke: #17665e; fill: none; stroke-width: 1.5 }
.head { fill: #17665e }
@media (prefers-color-scheme: dark) {
  text { fill: #e8e8ea } .quiet { fill: #a5a7ad } .band { fill: #17181b } .chip { fill: #1f2024; stroke: #34363b }
  .arrow { stroke: #6ac7bb } .head { fill: #6ac7bb }
}
"""


@dataclass
class Package:
    """A folder of modules: what it is, and the other packages that its modules import."""

    name: str
    about: str
    imports: set[str] = field(default_factory=set)

    @property
    def floor(self) -> str:
        top = self.name.split(".")[0]
        return top if top in FLOORS else "examples"


def packages() -> dict[str, Package]:
    """All packages of the house, but for migrations, commands and the like, which count as their app's own modules."""
    found: dict[str, Package] = {}
    for path in _modules():
        name = _package(_dotted(path))
        found.setdefault(name, Package(name, ABOUT.get(name, "")))
        if path.name == "__init__.py" and _dotted(path) == name and name not in ABOUT:
            found[name].about = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n")[0]
    for path in _modules():
        one = _package(_dotted(path))
        for _line, module in imports(path):
            other = _package(module) if module.split(".")[0] in {p.split(".")[0] for p in found} else ""
            if other in found and other != one:
                found[one].imports.add(other)
    return found


def picture() -> str:
    """The floors as bands, the highest at the top; on each its packages, and beside them an arrow for each way down."""
    found = packages()
    parts, y, middles = list[str](), 8, dict[str, float]()
    for floor in FLOORS:
        members = [one for one in sorted(found.values(), key=lambda one: one.name) if one.floor == floor]
        height = -(-len(members) // ACROSS) * (CHIP_HEIGHT + GAP) + GAP
        middles[floor] = y + height / 2
        parts.append(f'<rect class="band" x="8" y="{y}" width="{WIDTH - 16}" height="{height}" rx="8"/>')
        parts.append(f'<text class="floor" x="24" y="{y + 28}">{floor}</text>')
        width = (WIDTH - BAND - 16 - GAP * ACROSS) / ACROSS
        for number, one in enumerate(members):
            row, column = divmod(number, ACROSS)
            parts += _chip(one, BAND + column * (width + GAP), y + GAP + row * (CHIP_HEIGHT + GAP), width)
        y += height + 16
    parts += _arrows(found, middles)
    body = "\n".join(parts)
    label = "The floors of the house, their packages and who imports whom"
    opened = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" role="img" aria-label="{label}">'
    return f"{opened}\n<style>{_STYLE}</style>\n{body}\n</svg>\n"


def _modules() -> Iterator[Path]:
    for floor in FLOORS:
        yield from sorted((CHECKOUT / FOLDERS.get(floor, floor)).rglob("*.py"))


def _dotted(path: Path) -> str:
    parts = list(path.relative_to(CHECKOUT).with_suffix("").parts)
    parts = parts[1:] if parts[0] in ("platform", "examples") else parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _package(module: str) -> str:
    """The package that a module counts to: `medallion.compile`, or `medallion` for its own modules."""
    parts = module.split(".")
    inner = ".".join(parts[:2])
    folder = next((CHECKOUT / root / Path(*parts[:2]) for root in ("platform", "examples", ".")
                   if (CHECKOUT / root / Path(*parts[:2]) / "__init__.py").exists()), None)  # fmt: skip
    own = len(parts) < 2 or parts[1] in ("migrations", "management", "formats", "templatetags")
    return parts[0] if own or folder is None else inner


def _chip(one: Package, x: float, y: float, width: float) -> Iterator[str]:
    near = sorted(
        name.partition(".")[2] or f"{one.floor}'s own" for name in one.imports if name.split(".")[0] == one.floor
    )
    about = textwrap.wrap(textwrap.shorten(one.about.rstrip("."), 100, placeholder=" …"), 37)[:3]
    uses = textwrap.shorten("uses " + ", ".join(near), 46, placeholder=" …") if near else ""
    yield f'<rect class="chip" x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{CHIP_HEIGHT}" rx="6"/>'
    rows = [("name", one.name), *(("", line) for line in about), ("quiet", uses)]
    for number, (css, text) in enumerate(rows):
        top = y + 22 + number * (LINE + 2)
        yield f'<text class="{css}" x="{x + 12:.0f}" y="{top:.0f}">{escape(text)}</text>'


def _arrows(found: dict[str, Package], middles: dict[str, float]) -> Iterator[str]:
    """One for each floor that modules of another import, side by side in the margin."""
    ways = sorted(
        {
            (one.floor, found[name].floor)
            for one in found.values()
            for name in one.imports
            if found[name].floor != one.floor
        },
        key=lambda way: (FLOORS.index(way[0]), FLOORS.index(way[1])),
    )
    for number, (upper, lower) in enumerate(ways):
        x, top, bottom = LANE + number * 12, middles[upper] + 4, middles[lower] - 10
        yield f'<path class="arrow" d="M{x} {top:.0f}V{bottom:.0f}"><title>{upper} imports {lower}</title></path>'
        yield f'<circle class="head" cx="{x}" cy="{top:.0f}" r="2.5"/>'
        yield f'<path class="head" d="M{x - 4} {bottom:.0f}h8l-4 8z"/>'
