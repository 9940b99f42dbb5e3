"""One model from cases: a validation split inside, patients never on both sides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pandas as pd

from mmskin.api.choices import Choice, Say, choose, described, tell
from mmskin.api.predictor import Predictor
from mmskin.api.slots import Given
from mmskin.benchmark.arms import NeuralArm
from mmskin.benchmark.benchmark_config import Benchmark
from mmskin.benchmark.config_check import check_benchmark
from mmskin.benchmark.resolve import resolve
from mmskin.benchmark.run.cell import held_threads
from mmskin.benchmark.run.folds import check_has_history
from mmskin.benchmark.seen_patients import check_encoders_unseen
from mmskin.benchmark.taught_arms import with_taught
from mmskin.config.validation import validated
from mmskin.data.load import Fold, labelled_cases, narrowed
from mmskin.data.missingness import Missingness, as_trained, input_schema
from mmskin.data.splits import Split, check_disjoint, make_folds
from mmskin.data.table import Cases
from mmskin.errors import ConfigError, DataError, ModelError, first_of
from mmskin.inputs.dataset import CaseDataset
from mmskin.losses.loss_contract import Loss
from mmskin.model.classifier import MultimodalClassifier, build_model
from mmskin.model.parts_check import are_experts_already, takes_experts
from mmskin.trained.ensemble import Ensemble, Trained
from mmskin.trained.reference import make_reference, with_reference
from mmskin.trained.saved_model import origins_of, save_model
from mmskin.trained.trained_model import TrainedModel
from mmskin.training.fit_fold import fit_encoders, fit_reductions

NAME = "model"


def fit(
    cases: Cases,
    *,
    fusion: Given | None = None,
    encoders: Mapping[str, Given] | None = None,
    loss: Given | None = None,
    experts: Mapping[str, Any] | None = None,
    reduce: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    missingness: Missingness | None = None,
    validation: float = 0.2,
    seed: int = 0,
    photo_side: int = 256,
    output: str | Path | None = None,
    progress: bool = False,
    say: Say | None = tell,
) -> Predictor:
    """Train one model; the temperature is fitted on the validation rows. For an honest number take `compare`.

    >>> parts = {"fusion": "metadata_only", "encoders": {"metadata": "tokens"}}
    >>> model = mmskin.fit(cases, **parts, training={"epochs": 2}, say=None)
    >>> sorted(model.predict(metadata={"age": 70}).probabilities) == sorted(cases.schema.classes)
    True

    Args:
        cases: of `read_table` or `read_source`; those without a label are left out.
        fusion: a name, {"name": …, option: value}, a class or an instance; late fusion if None.
        encoders: by modality (`image` or a kind of photo, `text`, `metadata`), given in the same ways. If None every
            part of the cases has one: pretrained and frozen where mmskin[weights] is installed, else small ones.
        loss: given in the same ways; class-balanced focal loss if None.
        experts: of one modality each, which the fusion corrects through a gate that starts closed: the keys of
            `experts` in a config, {} for their defaults; None for a fusion that answers by itself.
        reduce: how features are made narrow before the fusion, such as {"dim": 32} or {"image": {"method": "pca"}}.
        training: what differs from the recipe, such as {"epochs": 20}: the keys of `training` in a config.
            {"members": 3} is an ensemble of three seeds, {"test_views": 5, "augment": "light"} answers by the mean over
            views.
        missingness: "visible", "always_recorded" or "equalized": see `mmskin.data.missingness`.
        validation: share of the patients that validates, above 0 and at most 1/3.
        seed: of split and training.
        photo_side: photos are shrunk to this longest side when read, pixels.
        output: folder in which the model is saved too.
        progress: show bars.
        say: is told in one line what was chosen, and why; None for silence.

    Raises:
        ConfigError: parts or options that do not exist or do not go together.
        DataError: too few patients; a class without training cases; no field is left to read.
        ModelError: output is not empty, or a part was given as an instance and cannot be saved.
    """
    choice = choose(cases, encoders=encoders, fusion=fusion, loss=loss, training=training)
    with TemporaryDirectory(prefix="mmskin-") as temporary:
        folder = Path(temporary)
        between = Between(experts, reduce)
        arm = _arm(cases, choice, folder, between, missingness=missingness, seed=seed, photo_side=photo_side, say=say)
        if output is not None:
            _check_can_be_saved(arm, Path(output))
        fold = narrowed(arm.data, cases.schema, validation_split(cases, share=validation, seed=seed), 0)
        check_has_history(arm, fold)
        check_encoders_unseen(arm, fold)
        if say is not None:
            say(_line(arm, fold, choice))
        with held_threads(arm.experiment.training.threads):
            trained = arm.fit(fold, seed=seed, folder=folder / "fit", answers=_nothing, progress=progress).model
            assert trained is not None
            memory = make_reference(trained, train=fold.split.train, val=fold.split.val)
        model = Predictor(_without_cache(with_reference(trained, memory)))  # the features lie in the temporary folder
    if output is not None:
        save_model(model.trained, Path(output))
    return model


class Untrained(NamedTuple):
    """The parts of a training loop of your own.

    model: a plain nn.Module, `Batch` → `Output`.
    loss: a plain nn.Module, (logits, target) → a number, with `probabilities(logits)`.
    dataset: the cases as the model takes them; for a DataLoader with `collate_fn=mmskin.collate`.
    """

    model: MultimodalClassifier
    loss: Loss
    dataset: CaseDataset


def build_classifier(
    cases: Cases,
    *,
    fusion: Given | None = None,
    encoders: Mapping[str, Given] | None = None,
    loss: Given | None = None,
    experts: Mapping[str, Any] | None = None,
    reduce: Mapping[str, Any] | None = None,
    missingness: Missingness | None = None,
    photo_side: int = 256,
) -> Untrained:
    """The classifier of `fit`, not trained: a plain nn.Module for a training loop of your own.

    >>> model, loss, dataset = mmskin.build_classifier(cases, fusion="metadata_only", encoders={"metadata": "tokens"})
    >>> batch = mmskin.collate([dataset[0], dataset[1]])
    >>> loss(model(batch).logits, batch.target).backward()

    With `experts`, or a fusion that has branches, `model(batch).parts()` holds the logits of each, (modality, logits).
    Each learns from a loss of its own on the cases that have its modality: add these to the one of the answer.

    Args:
        cases: those of your training part: encoders that learn statistics learn them here, and the loss the counts.
        fusion: as in `fit`.
        encoders: as in `fit`.
        loss: as in `fit`.
        experts: as in `fit`; weights of "validation" are not looked for here, they stay 1.
        reduce: as in `fit`; principal components are those of these cases.
        missingness: as in `fit`; what it hides at random is drawn once, not every epoch.
        photo_side: as in `fit`.

    Raises:
        ConfigError: see `fit`.
    """
    choice = choose(cases, encoders=encoders, fusion=fusion, loss=loss, training=None)
    between = Between(experts, reduce)
    arm = _arm(cases, choice, Path(), between, missingness=missingness, seed=0, photo_side=photo_side)
    experiment, table = arm.experiment, labelled_cases(cases).table
    mode = experiment.data.missingness
    schema = input_schema(cases.schema, table, mode=mode)
    labelled = as_trained(table, schema, mode=mode, seed=0)
    counts = [int((labelled.target == name).sum()) for name in schema.classes]
    made = experiment.to_json()
    model, built = build_model(
        experiment.encoders,
        experiment.fusion,
        experiment.loss,
        schema=schema,
        class_counts=counts,
        experts=made["experts"],
        reduce=made["reduce"],
    )
    fit_encoders(model, labelled, schema)
    readers = TrainedModel(model, built, schema, temperature=1.0, photo_side=photo_side).readers()
    dataset = CaseDataset([labelled], schema, readers)
    fit_reductions(model, dataset)
    return Untrained(model.train(), built, dataset)


def validation_split(cases: Cases, *, share: float, seed: int) -> Split:
    """Every labelled case either trains or validates.

    Raises:
        ConfigError: a share that is none.
        DataError: too few patients; a class without training cases.
        LeakError: a patient on both sides.
    """
    if not 0 < share <= 1 / 3:
        raise ConfigError(f"validation must lie above 0 and be at most 1/3 of the patients, however: {share}")
    labelled = labelled_cases(cases)
    folds = make_folds(labelled.table, k=round(1 / share), seed=seed)
    validates = pd.Series(labelled.table.case_id.map(folds) == 0)
    parts = [labelled.table[rows].reset_index(drop=True) for rows in (~validates, validates)]
    split = Split(train=parts[0], val=parts[1], test=parts[0].iloc[:0])
    check_disjoint(split)
    lacking = [name for name in cases.schema.classes if name not in set(split.train.target)]
    if lacking:
        raise DataError(
            f"{len(lacking)} classes have no training case: {first_of(lacking)}; more patients of it are needed, or "
            "another seed or validation share, or leave the class out"
        )
    return split


class Between(NamedTuple):
    """What stands between encoders and answer beside the fusion: `experts` and `reduce` of a config, None for none."""

    experts: Mapping[str, Any] | None
    reduce: Mapping[str, Any] | None


def _arm(
    cases: Cases,
    choice: Choice,
    folder: Path,
    between: Between,
    *,
    missingness: Missingness | None,
    seed: int,
    photo_side: int,
    say: Say | None = None,
) -> NeuralArm:
    """The one arm of a run, checked as those of a config are."""
    benchmark = validated(
        Benchmark,
        {
            "name": NAME,
            "data": in_memory(cases, missingness=missingness, photo_side=photo_side),
            "seeds": [seed],
            "encoders": choice.encoders,
            "loss": choice.loss,
            "experts": between.experts,
            "reduce": between.reduce or {},
            "training": {"threads": None} | choice.training,
            "arms": {NAME: {"fusion": choice.fusion}},
            "audit": False,
            "missing_parts": None,
            "safeguards": False,
            "explanations": None,
            "features": str(folder / "features"),
        },
        where="fit",
    )
    check_benchmark(benchmark, reads_data=False)
    if between.experts is not None and not takes_experts(choice.fusion):
        raise ConfigError(are_experts_already(choice.fusion["name"]))
    arm = with_taught(resolve(benchmark, folder), cases.schema, say=say or (lambda line: None))[NAME]
    assert isinstance(arm, NeuralArm)
    return arm


def in_memory(cases: Cases, *, missingness: Missingness | None, photo_side: int) -> dict[str, Any]:
    """The data section of cases that are there already."""
    mode = {} if missingness is None else {"missingness": missingness}
    return {"source": {"name": cases.schema.name}, "root": ".", "photo_side": photo_side, **mode}


def _check_can_be_saved(arm: NeuralArm, output: Path) -> None:
    if output.exists() and any(output.iterdir()):
        raise ModelError(
            f"output={str(output)!r} is not empty; a model is never written over another: choose another one"
        )
    made = arm.experiment
    origins_of({"encoders": made.encoders, "fusion": made.fusion, "loss": made.loss})


def _without_cache(trained: Trained) -> Trained:
    """The same model, reading photos and notes anew."""
    if isinstance(trained, Ensemble):
        return replace(trained, members=tuple(map(_without_cache, trained.members)))
    return replace(trained, cached={})


def _nothing(arm: str, rows: pd.DataFrame) -> pd.DataFrame:
    raise AssertionError("a fusion reads no other arm")


def _line(arm: NeuralArm, fold: Fold, choice: Choice) -> str:
    made = arm.experiment
    corrected = "" if made.experts is None else " correcting experts"
    left_out = f"; excluded: {first_of(list(fold.excluded))}" if fold.excluded else ""
    return (
        f"{made.fusion['name']}{corrected} of {described(made.encoders)}, {len(fold.schema.fields)} fields, "
        f"missingness {made.data.missingness}{left_out}, {made.training.epochs} epochs; "
        f"{len(fold.split.train):,} cases train, {len(fold.split.val):,} validate, of other patients ({choice.why})"
    )
