"""The table of guarantees under faults at random: nothing doubled, nothing lost, nothing without an end."""

from __future__ import annotations

import os
import random
import time

from tests.faults.conftest import Measure
from tests.faults.site import Site
from tests.faults.storm import Storm
from tests.faults.works import Works

PIPELINES = 40
STEPS = int(os.environ.get("FAULTS_STEPS") or 1_000)
SECONDS = 0.15 * STEPS


def test_under_faults_at_random_every_effect_comes_exactly_once(site: Site, works: Works, measure: Measure) -> None:
    """FAULTS_SEED repeats the faults of a run, FAULTS_STEPS makes it shorter or longer."""
    seed = int(os.environ.get("FAULTS_SEED") or random.randrange(10**6))
    print(f"FAULTS_SEED={seed}")
    names = [f"p{number:02}" for number in range(PIPELINES)]
    for name in names:
        works.pipeline(name, _tables(name), ledger=int(name[1:]) % 2 == 0)
    storm = Storm(site, works, names, seed)
    began = time.monotonic()
    storm.blow(SECONDS, STEPS)
    blown = time.monotonic() - began
    storm.calm(seconds=150)
    found = works.verdict()
    measure("faults at random", ", ".join(f"{n} {what}" for what, n in storm.struck.most_common()))
    calmed = time.monotonic() - began - blown
    measure("of them", f"{storm.struck.total()} in {blown:.0f} s, then {calmed:.0f} s of calm (FAULTS_SEED={seed})")
    measure("steps", f"{found.steps} in {found.runs} runs, {found.succeeded} succeeded, {found.attempts} attempts")
    measure("how attempts ended", works.ends())
    measure("effects", f"{found.doubled} doubled, {found.lost} lost, {found.stale} stale, {found.torn} torn")
    measure("batches", f"{found.batches_doubled} doubled, {found.batches_lost} lost of {found.batches}")
    measure("without an end", f"{found.attempts_open} attempts, {found.runs_open} runs")
    assert found.faults == {}
    assert found.succeeded >= STEPS


def _tables(name: str) -> dict[str, list[str]]:
    """bronze → four → four, each of which takes from two of those → gold."""
    source, last = f"bronze.{name}", f"gold.{name}"
    first = [f"silver.{name}_a{n}" for n in range(4)]
    second = {f"silver.{name}_b{n}": [first[n], first[(n + 1) % 4]] for n in range(4)}
    return {source: []} | {table: [source] for table in first} | second | {last: list(second)}
