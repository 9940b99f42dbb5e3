"""The same arms under one protocol after another, each with one leak less, and what each leak was worth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from mmskin.benchmark.leaks import LEAKS
from mmskin.benchmark.leaks.leak_contract import Protocol
from mmskin.benchmark.leaks.study_config import LeakStudy
from mmskin.benchmark.run.preparation import Executor, Say
from mmskin.benchmark.run.run import run_benchmark
from mmskin.data.load import folds_of, load_cases
from mmskin.data.splits import write_folds
from mmskin.errors import UserError
from mmskin.evaluation.differences import Difference, paired_difference
from mmskin.evaluation.predictions import arm_names

HONEST, ALL = "honest", "all"


class Answers(NamedTuple):
    """What all arms answered under one protocol.

    leaks: that it has; () for the honest one.
    table: a predictions table in which the reported rows are "test", and patients are the real ones.
    """

    leaks: tuple[str, ...]
    table: pd.DataFrame


class Worth(NamedTuple):
    """By how much a leak lifts an arm: with it minus without it, on the same cases.

    leak: its name; `ALL` for all of them together.
    beside: the other leaks that are there both times.
    """

    leak: str
    beside: tuple[str, ...]
    arm: str
    difference: Difference


def run_leak_study(study: LeakStudy, output: Path, *, executor: Executor, say: Say) -> list[Answers]:
    """Run every protocol, each in a folder of its own; stopped, it goes on.

    Raises:
        UserError: a cell failed; see also `run_benchmark`.
    """
    honest = Protocol(study.benchmark(), load_cases(study.data))
    patients = dict(zip(honest.cases.table.case_id, honest.cases.table.patient_id, strict=True))
    answers = []
    for number, leaks in enumerate(protocols(study.leaks)):
        name = name_of(leaks)
        say(f"protocol {number}: {name}")
        protocol = with_folds(leaking(honest, leaks), output / "folds" / f"{number}.csv")
        folder = output / f"protocol_{number}"
        table, failures = run_benchmark(
            protocol.benchmark, folder, executor=executor, say=say, quiet=True, cases=protocol.cases
        )
        if failures:
            raise UserError(f"{name}, {failures[0].arm}, fold {failures[0].fold}: {failures[0].reason}")
        reported = table[table.split == ("test" if protocol.benchmark.test else "val")]
        answers.append(Answers(leaks, reported.assign(split="test", patient_id=reported.case_id.map(patients))))
    return answers


def protocols(leaks: Sequence[str]) -> list[tuple[str, ...]]:
    """All leaks, then one less each time in the order given, then none; then every leak alone that has not been yet."""
    in_turn = [tuple(leaks[taken:]) for taken in range(len(leaks) + 1)]
    return [*in_turn, *((leak,) for leak in leaks[:-1])]


def name_of(leaks: Sequence[str]) -> str:
    """A protocol by its leaks."""
    return " + ".join(leaks) or HONEST


def leaking(honest: Protocol, leaks: Sequence[str]) -> Protocol:
    """The honest protocol with these leaks; its name says so."""
    protocol = honest
    for leak in leaks:
        protocol = LEAKS[leak].apply(protocol)
    benchmark = protocol.benchmark
    name = f"{benchmark.name}, LEAKING: {name_of(leaks)}" if leaks else benchmark.name
    return protocol._replace(benchmark=benchmark.model_copy(update={"name": name}))


def with_folds(protocol: Protocol, path: Path) -> Protocol:
    """The protocol with its folds in a file, so numbered that a case is answered by arms of the same training parts.

    Fold k tests, k + 1 validates. Where validation rows are reported, folds are numbered backwards: then what is left
    out beside the reported fold is the next one, as it is where test rows are reported.
    """
    benchmark, cases = protocol
    numbers = folds_of(benchmark.data, cases)
    if not benchmark.test:
        numbers = numbers.max() - numbers
    path.parent.mkdir(parents=True, exist_ok=True)
    write_folds(numbers, path, table=cases.table)
    data = benchmark.data.model_copy(update={"folds": str(path)})
    return Protocol(benchmark.model_copy(update={"data": data}), cases)


def worths(leaks: Sequence[str], answers: Sequence[Answers], *, metric: str, replicates: int) -> Iterator[Worth]:
    """Of every leak as they were taken out in turn, of every leak alone, and of all; an arm after the other."""
    by_leaks = {of.leaks: of.table for of in answers}
    every = tuple(leaks)
    in_turn = [(leak, every[place:], every[place + 1 :]) for place, leak in enumerate(every)]
    alone: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = [(leak, (leak,), ()) for leak in every[:-1]]
    together = [(ALL, every, ())] if alone else []
    for leak, more, less in (*in_turn, *alone, *together):
        for arm in arm_names(by_leaks[less]):
            leaky, clean = (table[table.arm == arm] for table in (by_leaks[more], by_leaks[less]))
            yield Worth(leak, less, arm, paired_difference(leaky, clean, metric=metric, replicates=replicates))
