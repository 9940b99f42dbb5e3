"""The search for one arm's recipe in one fold: trials, their answers on inner folds, and the recipe that is taken."""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from mmskin.benchmark.arms import ResolvedArm
from mmskin.benchmark.benchmark_config import Arm
from mmskin.benchmark.resolve import Shared, resolve_lone
from mmskin.benchmark.run.cell import held_threads
from mmskin.benchmark.run.fingerprint import differing, versions
from mmskin.benchmark.run.fold_predictions import predictions_table
from mmskin.benchmark.run.folder import write_json
from mmskin.benchmark.run.grid import Cell
from mmskin.benchmark.search.choose import choose, loss_of
from mmskin.benchmark.search.inner_folds import INNER_FOLDS, folds_inside
from mmskin.benchmark.search.options import with_options
from mmskin.benchmark.search.propose import Options, Trial, ends_of, load_optuna, propose
from mmskin.benchmark.search.search_config import SearchConfig
from mmskin.config.experiment import Slot
from mmskin.data.load import Fold
from mmskin.errors import ConfigError, UserError, first_of
from mmskin.evaluation.predictions import read_predictions, write_predictions


class Search(NamedTuple):
    """Of one arm.

    name: of the arm.
    arm: as it is written.
    shared: what it takes from the benchmark.
    config: how it is searched.
    output: folder of the run.
    encoders: of the arm as it is resolved, those that are taught with their folder; None before that.
    """

    name: str
    arm: Arm
    shared: Shared
    config: SearchConfig
    output: Path
    encoders: Mapping[str, Slot] | None = None

    def candidate(self, options: Options) -> ResolvedArm:
        """The arm with these options in place of its own.

        Raises:
            ConfigError: an option that the arm does not have, or a value that it does not take.
        """
        made = resolve_lone(self.name, *with_options(self.arm, self.shared, options), self.output)
        return made if self.encoders is None else made.with_encoders(self.encoders)

    def folder(self, fold: int) -> Path:
        return self.output / "search" / self.name / f"fold_{fold}"

    def chosen_file(self, fold: int) -> Path:
        """Written last: where it is, the search is finished."""
        return self.folder(fold) / "chosen.json"

    def chosen(self, fold: int) -> ResolvedArm:
        """The arm with the recipe that was taken for a fold."""
        found = json.loads(self.chosen_file(fold).read_text(encoding="utf-8"))
        return self.candidate(found["options"])

    def to_json(self) -> dict[str, Any]:
        """What the recipe that is taken depends on beside the arm, data and versions."""
        return {"inner_folds": INNER_FOLDS, **self.config.model_dump(mode="json")}


class SearchTask(NamedTuple):
    """One search in one fold, for a process to run; fold: as the arm sees it."""

    search: Search
    fold: Fold


def searches_of(arms: Mapping[str, Arm], shared: Shared, output: Path) -> dict[str, Search]:
    """By arm, the searches that are asked for."""
    return {
        name: Search(name, arm, shared, arm.search.beside(shared.search, is_table=arm.table is not None), output)
        for name, arm in arms.items()
        if arm.search is not None
    }


def check_searches(arms: Mapping[str, Arm], shared: Shared, output: Path) -> None:
    """Refuse, before anything is read, what can be seen to fail.

    Raises:
        ConfigError: names arm and option, one that the arm does not have or a value that it does not take; or Optuna
            is not installed.
    """
    searches = searches_of(arms, shared, output)
    if searches:
        load_optuna()
    for search in searches.values():
        check_space(search)


def check_space(search: Search) -> None:
    """Raises: ConfigError if there is nothing to search, or an option at its ends is not fit for the arm."""
    if not search.config.space:
        raise ConfigError(f"arms.{search.name}.search.space is empty: name options, such as training.learning_rate")
    for path, of in search.config.space.items():
        where, made = f"arms.{search.name}.search.space.{path}", []
        for value in ends_of(of):
            try:
                made.append(search.candidate({path: value}).to_json())
            except ConfigError as error:
                raise ConfigError(f"{where}: {value!r}: {error}") from None
        if made[0] == made[-1]:
            raise ConfigError(f"{where} changes nothing of the arm; leave it out")


def run_search(task: SearchTask) -> None:
    """Try the arm's own recipe and those that are proposed, and write chosen.json; stopped, it goes on.

    Raises:
        UserError: the own recipe cannot be fitted.
    """
    search, fold = task
    inside, folder = folds_inside(fold), search.folder(fold.number)
    tried = [_tried(search, inside, folder, number=0, options={})]
    for number in range(1, search.config.trials + 1):
        path = _trial_file(folder, number)
        options = _read(path)["options"] if path.exists() else propose(search.config.space, tried[1:], seed=fold.number)
        tried.append(_tried(search, inside, folder, number=number, options=options))
    if not math.isfinite(tried[0].loss):
        raise UserError(f"the search of {search.name} in fold {fold.number}: {_read(_trial_file(folder, 0))['failed']}")
    fitted = [trial.number for trial in tried if math.isfinite(trial.loss)]
    chosen = choose({number: read_predictions(_answers_file(folder, number)) for number in fitted})
    write_json(
        search.chosen_file(fold.number),
        {
            "options": tried[chosen.trial].options,
            **chosen._asdict(),
            "loss": {"own": tried[0].loss, "best": tried[chosen.best].loss},
            "failed": len(tried) - len(fitted),
            "cpu_seconds": sum(_read(_trial_file(folder, trial.number))["cpu_seconds"] for trial in tried),
        },
    )


def begin_search(folder: Path, arm: Mapping[str, Any]) -> None:
    """Write what the trials depend on into their folder, or see that those which are there depend on the same.

    Args:
        folder: of the search in one fold.
        arm: what its answers depend on beside data and versions, the search included.

    Raises:
        UserError: they do not; names what differs.
    """
    path = folder / "search.json"
    now = json.loads(json.dumps({"arm": arm, "versions": versions()}, default=str))
    if path.exists():
        changed = list(differing(_read(path), now))
        if changed:
            raise UserError(
                f"{folder} was begun with another configuration: {first_of(changed)}; change it back, delete the "
                "folder, or give another --output"
            )
        return
    folder.mkdir(parents=True, exist_ok=True)
    write_json(path, now)


def _tried(search: Search, inside: list[Fold], folder: Path, *, number: int, options: Options) -> Trial:
    """One trial: read where it was run before, else run."""
    path = _trial_file(folder, number)
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_json(path, _run(search, inside, folder, number=number, options=options))
    found = _read(path)
    return Trial(number, found["options"], math.nan if found["loss"] is None else found["loss"])


def _run(search: Search, inside: list[Fold], folder: Path, *, number: int, options: Options) -> Mapping[str, Any]:
    """Fit on every inner fold and keep the answers; what cannot be fitted is no candidate, and says why."""
    cpu, failed, loss = time.process_time(), "", None
    try:
        answers = inner_answers(search.candidate(options), inside, folder / "fit")
        write_predictions(answers, _answers_file(folder, number))
        loss = loss_of(answers)
    except UserError as error:
        failed = str(error)
    shutil.rmtree(folder / "fit", ignore_errors=True)
    return {"options": options, "loss": loss, "failed": failed, "cpu_seconds": time.process_time() - cpu}


def inner_answers(arm: ResolvedArm, inside: list[Fold], folder: Path) -> pd.DataFrame:
    """Predictions of every training row by an arm that was fitted without it, on one seed; `fold` is the inner one."""
    seed, tables = arm.seeds[0], []
    with held_threads(arm.reading(seed).recipe.threads):
        for number, fold in enumerate(inside):
            fitted = arm.fit(fold, seed=seed, folder=folder / str(number), answers=_no_other, progress=False)
            asked, cell = fold.split.test, Cell(arm.name, number, seed)
            table = predictions_table(asked, fitted.predict(asked), fold, cell, split="test")
            tables.append(table.assign(fold=number))
    return pd.concat(tables, ignore_index=True)


def _no_other(arm: str, rows: pd.DataFrame) -> pd.DataFrame:
    raise AssertionError("an arm that is searched reads no other")


def _trial_file(folder: Path, number: int) -> Path:
    return folder / f"trial_{number}.json"


def _answers_file(folder: Path, number: int) -> Path:
    return folder / f"trial_{number}.parquet"


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
