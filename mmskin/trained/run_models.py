"""The models that a run has saved, as one: its folds and seeds answer together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mmskin.errors import ModelError, first_of, one_of
from mmskin.trained.ensemble import Ensemble, Trained
from mmskin.trained.map_evidence import MAP_EVIDENCE
from mmskin.trained.model_version import CHECKSUM
from mmskin.trained.reference import REFERENCE
from mmskin.trained.safeguards import SAFEGUARDS
from mmskin.trained.saved_model import load_model

_CELL = re.compile(r".*/([^/]+)/fold_(\d+)/seed_(\d+)/model")


class RunModel(NamedTuple):
    """A model folder in a run: which arm, trained on which fold with which seed."""

    arm: str
    fold: int
    seed: int
    folder: Path


def load_trained(folder: Path, *, arm: str | None = None) -> Trained:
    """A model folder as one model; a run folder as the ensemble of what it has saved of one arm.

    Args:
        folder: of a model, or of a run or a part of it.
        arm: of a run folder that has models of several arms, the one.

    Raises:
        ModelError: no model there, or a damaged one; several arms and none named; models that cannot answer together.
    """
    if (folder / "manifest.json").exists():
        if arm is not None:
            raise ModelError(f"{folder} is a model, not a run: leave out arm={arm}")
        return load_model(folder)
    inside = _model_folders(folder)
    if len(inside) < 2 and arm is None:
        return load_model(inside[0] if inside else folder)
    chosen = _of_one_arm(folder, inside, arm)
    if len(chosen) == 1:
        return load_model(chosen[0].folder)
    models = [load_model(one.folder) for one in chosen]
    try:
        return answer_together(models, chosen)
    except ModelError as error:
        raise ModelError(f"{folder}: {error}; name one of: {first_of([one.folder for one in chosen], 3)}") from None


def models_of_run(folder: Path, *, arm: str | None = None) -> list[RunModel]:
    """Where a run has saved the models of one arm, by fold and seed: for whoever asks each of its own test cases.

    Raises:
        ModelError: no models of a run there; several arms and none named, or one that is not there.
    """
    return _of_one_arm(folder, _model_folders(folder), arm)


def only_model(folder: Path, *, arm: str | None = None) -> Path:
    """The folder of the one model that there is: this one, or the only one of an arm in a run.

    Raises:
        ModelError: there are several, or none.
    """
    if (folder / "manifest.json").exists():
        return folder
    found = [one.folder for one in models_of_run(folder, arm=arm)]
    if len(found) > 1:
        raise ModelError(f"{folder} holds several models of that arm: name one of them: {first_of(found, 3)}")
    return found[0]


def answer_together(models: Sequence[Trained], cells: Sequence[RunModel]) -> Ensemble:
    """The ensemble of a run's models, with the remark that nobody has tested it as a whole.

    Every patient of the run was in the training part of some of its folds, so no case of its table can test it. The
    mean of proper predictions has at most the mean of their log-losses (Jensen's inequality).

    Raises:
        ModelError: they cannot answer together.
    """
    folds, seeds = sorted({cell.fold for cell in cells}), sorted({cell.seed for cell in cells})
    of_folds = f"fold{'s' if len(folds) > 1 else ''} {', '.join(map(str, folds))}"
    of_seeds = f", seeds {', '.join(map(str, seeds))}" if len(seeds) > 1 else ""
    remark = (
        f"answered by {len(models)} models together ({of_folds}{of_seeds}), the mean of their probabilities: expect "
        "the score of the single models of the folds or better; it was not tested as a whole"
    )
    of_one = ("fold", REFERENCE, SAFEGUARDS, MAP_EVIDENCE, CHECKSUM)
    record = {key: value for key, value in models[0].record.items() if key not in of_one}
    made_of = [{"arm": cell.arm, "fold": cell.fold, "seed": cell.seed} for cell in cells]
    return Ensemble(tuple(models), record=record | {"ensemble": made_of}, remarks=(remark,))


def _model_folders(folder: Path) -> list[Path]:
    return sorted(path.parent for path in folder.glob("**/model/manifest.json"))


def _of_one_arm(folder: Path, inside: Sequence[Path], arm: str | None) -> list[RunModel]:
    """The models of the arm that is meant, by fold and seed.

    Raises:
        ModelError: several arms and none named, no such arm, or folders that are no cells of a run.
    """
    found = [_run_model(path) for path in inside]
    cells = [one for one in found if one is not None]
    if len(cells) < len(found) or not cells:
        raise ModelError(f"{folder} holds several models, name one of them: {', '.join(map(str, inside))}")
    arms = list(dict.fromkeys(cell.arm for cell in cells))
    if arm is None and len(arms) > 1:
        raise ModelError(
            f"{folder} holds models of several arms: {', '.join(arms)}; name the one that is to answer, by --arm "
            f"{arms[0]} or load(…, arm={arms[0]!r}): its folds and seeds answer together as an ensemble"
        )
    if arm is not None and arm not in arms:
        raise ModelError(one_of(f"arm with saved models in {folder}", arm, arms))
    return sorted(cell for cell in cells if cell.arm == (arm or arms[0]))


def _run_model(path: Path) -> RunModel | None:
    match = _CELL.fullmatch(path.absolute().as_posix())
    return None if match is None else RunModel(match[1], int(match[2]), int(match[3]), path)


class RunPlace(NamedTuple):
    """A run, and which of its models are meant; None for all."""

    folder: Path
    arm: str | None = None
    fold: int | None = None
    seed: int | None = None


def run_of(folder: Path) -> RunPlace | None:
    """The run to which a model folder belongs, or that a folder is; None where there is none."""
    if (folder / "predictions.parquet").exists() and (folder / "cells").is_dir():
        return RunPlace(folder)
    cell = _run_model(folder)
    return None if cell is None else RunPlace(folder.absolute().parents[4], cell.arm, cell.fold, cell.seed)
