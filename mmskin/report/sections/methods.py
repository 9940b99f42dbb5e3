"""The methods paragraph of a benchmark: plain sentences of facts, with everything needed to repeat the run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mmskin.config.experiment import Slot
from mmskin.data.load import OFFICIAL
from mmskin.data.missingness import MOST_LIFT
from mmskin.errors import first_of
from mmskin.features import photo_title
from mmskin.report.headline import in_words
from mmskin.report.numbers import number, percent
from mmskin.report.pages import Section
from mmskin.report.sections.record import Plan, Record
from mmskin.schema import counted_patients

MISSINGNESS = {
    "visible": "what is missing of the history stays visible to every arm",
    "always_recorded": (
        "arms read only fields recorded in every training row, or in almost all: the latter are hidden at random in "
        f"training until no class lacks one more than {MOST_LIFT} times as often as all classes together"
    ),
    "equalized": "in training optional fields are hidden at random until they are missing equally often in every class",
}


def methods_section(record: Record) -> Section:
    """The paragraph, cut into four."""
    paragraphs = [" ".join(part(record)) for part in (data, arms, statistics, provenance)]
    return Section("Methods", lines=paragraphs, saved={"methods": paragraphs})


def data(record: Record) -> Iterator[str]:
    """Which patients, and which part of them did what."""
    section, schema = record.plan.data, record.schema
    cases = len(record.folds)
    patients, tested_patients = (
        counted_patients(n, schema.patient_unit) for n in (record.folds["patient_id"].nunique(), record.patients)
    )
    classes = ", ".join(f"{schema.class_titles.get(name, name)} {n:,}" for name, n in record.counts.items())
    tested = sum(record.counts.values())
    yield f"Data: {schema.name}{_bracketed(schema.citation)}, {cases:,} labelled cases of {patients}."
    yield f"Tested: {tested:,} cases of {tested_patients}: {classes}."
    if len(schema.photos) > 1:
        yield f"Photos: {' and '.join(map(photo_title, schema.photos))}, each kind with an encoder of its own."
    yield f"{folds(record)} {parts(record)}"
    yield f"Missing history: {MISSINGNESS[section.missingness]}{_other_modes(record)}."


def folds(record: Record) -> str:
    """Who made the folds, and how to know them again."""
    section = record.plan.data
    if isinstance(section.folds, int):
        drawn = "stratified by class" if section.fold_method == "stratified" else "by a hash of the patient's id"
        made = f"{section.folds} folds made by mmskin, seed {section.fold_seed}, {drawn}, whole patients"
    elif section.folds == OFFICIAL:
        made = "the split that the data set comes with"
    else:
        made = f"read from {section.folds}"
    return f"Folds: {made}; kept in folds.csv, sha256 {record.fold_sum}."


def parts(record: Record) -> str:
    tested = ", ".join(map(str, record.tested))
    return f"Fold k tests, k+1 validates, the rest trains; tested: {tested}. No patient lies in two parts."


def arms(record: Record) -> Iterator[str]:
    """What was compared, and how it was trained."""
    plan = record.plan
    networks = sum(plan.arms[name].trains_network for name in record.ranked)
    tables = len(record.ranked) - networks
    controls = f", beside controls with shuffled histories: {first_of(plan.controls)}" if plan.controls else ""
    yield f"Arms: {len(record.ranked)}, of which {networks} train a network and {tables} fit a table{controls}."
    yield f"Encoders: {encoders(plan.encoders)}{_own_encoders(plan)}."
    recipe = plan.training
    kept = (
        "of which the last counts"
        if recipe.keep == "last"
        else f"of which the one with the {recipe.keep.replace('_', ' ')} on validation rows counts"
    )
    stops = (
        f" and ended by {recipe.early_stopping} without a better validation log-loss" if recipe.early_stopping else ""
    )
    yield (
        f"Training, the same for all networks: AdamW, {recipe.epochs} epochs {kept}{stops}, "
        f"batches of {recipe.batch_size}, learning rate {recipe.learning_rate:g} (pretrained parts "
        f"{recipe.encoder_learning_rate:g}), weight decay {recipe.weight_decay:g}, warm-up over "
        f"{percent(recipe.warmup)} of the steps and a cosine to zero, {recipe.views} "
        f"view{'s' * (recipe.views > 1)} of a case, {recipe.precision}."
    )
    if plan.searched:
        yield (
            f"Recipes of {first_of(plan.searched, len(plan.searched))} were searched inside the training part of each "
            "fold; those of all other arms are as written, whatever they were chosen by."
        )
    yield f"Loss: {slot(plan.loss)}, unless an arm has its own. Sampler: {recipe.sampler}."
    yield f"Seeds: {', '.join(map(str, plan.seeds))}; an arm that draws nothing is run once."
    yield "A temperature is fitted on validation rows; test rows are read to report and for nothing else."


def encoders(slots: Mapping[Any, Slot]) -> str:
    """Each with its weights, and whether it learns."""
    named = []
    for modality, encoder in slots.items():
        learns = {"none": "frozen", "all": "all of it learns"}.get(str(encoder.get("trainable", "")), "")
        named.append(f"{modality}: {slot(encoder)}{f', {learns}' if learns else ''}")
    return "; ".join(named) or "none are shared"


def slot(value: Slot) -> str:
    """Its name, and its options in brackets."""
    options = ", ".join(f"{key} {option}" for key, option in value.items() if key != "name")
    return f"{value['name']}{_bracketed(options)}"


def statistics(record: Record) -> Iterator[str]:
    """How the question is answered."""
    plan = record.plan
    yield (
        f"Statistics: {plan.primary} minus {plan.reference} in {in_words(plan.metric)} was named as the primary "
        "question before the run; everything else is exploratory."
    )
    yield (
        f"Intervals are 95 % percentile intervals of {record.replicates:,} resamples of whole patients; differences "
        "are paired in the same resamples, p is two-sided and from them, with Holm's correction over the arms that "
        "are searched. Seeds are averaged within a resample, AUROCs within folds. Intervals cover who was tested, not "
        "who was trained on."
    )


def provenance(record: Record) -> Iterator[str]:
    """Software, machine, time."""
    versions = ", ".join(f"{name} {version}" for name, version in record.versions.items())
    spent = sum(cell.get("cell_cpu_seconds") or 0 for cell in record.cells) / 3600
    yield f"Software: {record.source}; {versions}. Command: {record.command}, with the configuration below."
    yield f"Machine that wrote this page: {record.machine}."
    yield (
        f"Begun {record.begun:%Y-%m-%d %H:%M} UTC, last cell finished {record.ended:%Y-%m-%d %H:%M} UTC; "
        f"{len(record.cells):,} cells took {number(spent, digits=2)} CPU hours, one thread each."
    )


def _other_modes(record: Record) -> str:
    modes: dict[str, list[str]] = {}
    for name, arm in record.plan.arms.items():
        if arm.missingness != record.plan.data.missingness:
            modes.setdefault(arm.missingness, []).append(name)
    return "".join(f"; {mode} instead in {', '.join(names)}" for mode, names in modes.items())


def _own_encoders(plan: Plan) -> str:
    own = [name for name, arm in plan.arms.items() if arm.has_own_encoders]
    return f"; with one of their own, see the configuration: {first_of(own)}" if own else ""


def _bracketed(text: str) -> str:
    return f" ({text})" if text else ""
