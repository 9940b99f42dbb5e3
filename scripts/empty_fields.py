"""Does leaving optional fields empty make a cancer look benign?

Models are trained in each mode of missingness, one for every tested fold. Each is asked about the malignant test cases
of its own fold whose fields are all recorded, twice: as they are, and with every optional field empty. Told is the mean
of P(malignant) over all these cases both times.

    python scripts/empty_fields.py configs/pad_ufes_20/metadata_only.yaml --output runs/empty_fields
    python scripts/empty_fields.py configs/pad_ufes_20/text_only.yaml --output runs/empty_notes training.epochs=3
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from mmskin.benchmark.run.run import run_experiment
from mmskin.config.experiment import Experiment, read_experiment
from mmskin.data.load import folds_of, load_cases, prepare_fold
from mmskin.data.missingness import MISSINGNESS, fully_recorded
from mmskin.data.table import Cases
from mmskin.errors import ConfigError, DataError, one_of
from mmskin.evaluation.metrics import Floats
from mmskin.report.numbers import number
from mmskin.schema import Schema
from mmskin.trained.ensemble import Trained
from mmskin.trained.run_models import models_of_run
from mmskin.trained.saved_model import load_model


class Shift(NamedTuple):
    """Mean P(malignant) of fully recorded malignant test cases, and of the same with their optional fields empty."""

    mode: str
    cases: int
    recorded: float
    empty: float


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("config", type=Path, help="an experiment")
    parser.add_argument("--output", type=Path, required=True, help="folder of the runs, one a mode")
    parser.add_argument("--modes", nargs="+", default=["visible", "always_recorded"], choices=MISSINGNESS)
    parser.add_argument("--group", default="malignant", help="the class group that is looked for")
    arguments, overrides = parser.parse_known_args()
    experiment = read_experiment(arguments.config, overrides)
    for shift in shifts(experiment, arguments.output, modes=arguments.modes, group=arguments.group):
        print(
            f"{shift.mode}: mean P({arguments.group}) of {shift.cases} cases {number(shift.recorded)} as recorded, "
            f"{number(shift.empty)} with the optional fields empty, {number(shift.empty - shift.recorded, sign=True)}"
        )


def shifts(experiment: Experiment, output: Path, *, modes: Sequence[str], group: str) -> Iterator[Shift]:
    """Train in each mode, or take the finished run, and ask the model of every tested fold twice.

    Raises:
        ConfigError: the group is none of the data set's.
        DataError: no test case of the group is fully recorded.
    """
    for mode in modes:
        data = experiment.data.model_copy(update={"missingness": mode})
        training = experiment.training.model_copy(update={"save_model": True})
        own = experiment.model_copy(update={"data": data, "training": training})
        cases = load_cases(data)
        if group not in cases.schema.class_groups:
            raise ConfigError(one_of("group", group, cases.schema.class_groups))
        run_experiment(own, output / mode, progress=False)
        folds = folds_of(data, cases)
        answers = [
            asked_twice(load_model(cell.folder), prepare_fold(data, cases, folds, cell.fold).split.test, cases, group)
            for cell in models_of_run(output / mode)
        ]
        before, after = np.concatenate(answers, axis=1)
        if not len(before):
            raise DataError(f"no tested case of the group {group} has all its fields recorded: nothing can be asked")
        yield Shift(mode, len(before), float(before.mean()), float(after.mean()))


def asked_twice(trained: Trained, test: pd.DataFrame, cases: Cases, group: str) -> Floats:
    """(2, N) P(group) of its N fully recorded cases among the test rows: as they are, with optional fields empty."""
    asked = test[test.target.isin(cases.schema.class_groups[group]) & fully_recorded(test, cases.schema)]
    if asked.empty:
        return np.empty((2, 0))
    emptied = asked.assign(**dict.fromkeys(optional_fields(cases.table, cases.schema)))
    columns = [trained.schema.classes.index(name) for name in cases.schema.class_groups[group]]
    return np.stack([trained.probabilities(rows)[:, columns].sum(axis=1) for rows in (asked, emptied)])


def optional_fields(table: pd.DataFrame, schema: Schema) -> list[str]:
    """The optional block, and every field that some case lacks."""
    return [name for name in schema.field_names if name in schema.optional_block or table[name].isna().any()]


if __name__ == "__main__":
    main()
