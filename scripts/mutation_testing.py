"""Mutation testing of one folder of mmskin: how many small faults do its tests find?

    pip install cosmic-ray
    git worktree add --detach /tmp/mutants && cd /tmp/mutants
    python scripts/mutation_testing.py losses --sample 50 --seed 0 --output /tmp/losses

To be run on a copy of the tree, for it changes the files in place. cosmic-ray (https://cosmic-ray.readthedocs.io) finds
the places and changes them: another operator or comparison, another number, a condition turned round, a loop that never
runs. Of all changes at one place one is drawn, and of all places a sample. Type annotations are no places: nothing
evaluates them. Each change is met by the tests of its folder alone, which fail ("killed"), take too long ("timeout") or
pass ("survived"); the last are listed with their difference, to be judged by a person: some change nothing that anybody
could see.
"""

from __future__ import annotations

import argparse
import ast
import json
import random
import shlex
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

TESTS = {
    "losses": ("tests/losses", "tests/contracts/test_losses.py"),
    "fusion": ("tests/fusion", "tests/contracts/test_fusions.py"),
    "evaluation": ("tests/evaluation",),
    "training": ("tests/training",),
}


class Mutant(NamedTuple):
    """One change at one place: line and column count as cosmic-ray counts them, from 1 and from 0."""

    job: str
    path: str
    operator: str
    line: int
    column: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=TESTS)
    parser.add_argument("--sample", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--timeout", type=float, default=120.0, help="seconds that the tests of one mutant may take")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--command", default=f"{sys.executable} -m pytest -x -q", help="what runs the tests")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    config, session = options.output / "cosmic-ray.toml", options.output / "session.sqlite"
    command = shlex.join([*shlex.split(options.command), *TESTS[options.part]])
    config.write_text(
        f'[cosmic-ray]\nmodule-path = "mmskin/{options.part}"\ntimeout = {options.timeout}\nexcluded-modules = []\n'
        f'test-command = {json.dumps(command)}\ndistributor.name = "local"\n'
    )
    if not session.exists():  # a session that was stopped is gone on with
        cosmic_ray("init", config, session)
        keep_only(session, sampled(worth_testing(mutants_of(session)), size=options.sample, seed=options.seed))
    cosmic_ray("exec", config, session)
    report(session)


def cosmic_ray(*arguments: str | Path) -> None:
    subprocess.run([sys.executable, "-m", "cosmic_ray.cli", *map(str, arguments)], check=True)


def mutants_of(session: Path) -> list[Mutant]:
    with sqlite3.connect(session) as database:
        rows = database.execute(
            "SELECT job_id, module_path, operator_name, start_pos_row, start_pos_col FROM mutation_specs"
        )
        return [Mutant(*row) for row in rows]


def worth_testing(mutants: Sequence[Mutant]) -> list[Mutant]:
    """Those outside of annotations, which `from __future__ import annotations` leaves unread."""
    spans = {path: list(annotated_spans(Path(path).read_text())) for path in {mutant.path for mutant in mutants}}
    return [
        mutant
        for mutant in mutants
        if not any(start <= (mutant.line, mutant.column) < end for start, end in spans[mutant.path])
    ]


def annotated_spans(source: str) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """(line, column) where each annotation begins and ends."""
    for node in ast.walk(ast.parse(source)):
        for name in ("annotation", "returns"):
            inside = getattr(node, name, None)
            if isinstance(inside, ast.expr):
                yield (
                    (inside.lineno, inside.col_offset),
                    (inside.end_lineno or inside.lineno, inside.end_col_offset or inside.col_offset),
                )


def sampled(mutants: Sequence[Mutant], *, size: int, seed: int) -> list[Mutant]:
    """One mutant a place, and of the places a sample."""
    ordered = sorted(mutants, key=lambda mutant: mutant[1:])  # job ids are drawn anew in every session
    random.Random(seed).shuffle(ordered)
    by_place = {(mutant.path, mutant.line, mutant.column): mutant for mutant in ordered}
    return list(by_place.values())[:size]


def keep_only(session: Path, kept: Sequence[Mutant]) -> None:
    jobs = [(mutant.job,) for mutant in kept]
    with sqlite3.connect(session) as database:
        database.execute("CREATE TEMPORARY TABLE kept (job_id TEXT)")
        database.executemany("INSERT INTO kept VALUES (?)", jobs)
        for table in ("mutation_specs", "work_items"):
            database.execute(f"DELETE FROM {table} WHERE job_id NOT IN (SELECT job_id FROM kept)")


def report(session: Path) -> None:
    with sqlite3.connect(session) as database:
        rows = database.execute(
            "SELECT test_outcome, output, diff, module_path, operator_name, start_pos_row "
            "FROM work_results JOIN mutation_specs USING (job_id) ORDER BY module_path, start_pos_row"
        ).fetchall()
    outcomes = Counter("timeout" if output == "timeout" else str(outcome).lower() for outcome, output, *_ in rows)
    for outcome, _, diff, path, operator, line in rows:
        if str(outcome).lower() == "survived":
            print(f"\n{path}:{line} {operator}\n{diff}")
    print(", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items())), f"of {len(rows)}")


if __name__ == "__main__":
    main()
