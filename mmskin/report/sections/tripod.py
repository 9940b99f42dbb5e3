"""The items of TRIPOD+AI that a run can fill by itself; the others are named, for the authors to fill.

Items by number from Collins et al. 2024, BMJ 385:e078378; what they ask is told in our words, so look there for theirs.
"""

from __future__ import annotations

from typing import NamedTuple

from mmskin.features import photo_title
from mmskin.report.headline import in_words
from mmskin.report.numbers import number
from mmskin.report.pages import Grid, Section
from mmskin.report.sections import methods
from mmskin.report.sections.record import Record
from mmskin.schema import counted_patients

FOR_AUTHORS = "for the authors to fill"
CONFLICTS = {"keep": "kept", "drop": "dropped", "error": "refused"}
NOTE = (
    "TRIPOD+AI (Collins et al. 2024, BMJ 385:e078378) asks what a reader needs to judge a prediction model. Filled "
    "here is what the run knows, in short; an article needs the rest too. What an item asks is told in our words."
)


class Item(NamedTuple):
    """One item: its number, what it asks, and what the run says; "" where a run cannot know."""

    number: str
    asks: str
    says: str = ""


def tripod_section(record: Record) -> Section:
    """The table of all items, and how many are filled."""
    every = items(record)
    filled = sum(bool(item.says) for item in every)
    rows = [[item.number, item.asks, item.says or FOR_AUTHORS] for item in every]
    count = f"{filled} of {len(every)} items are filled, {len(every) - filled} are {FOR_AUTHORS}."
    saved = {"filled": filled, "items": [item._asdict() for item in every]}
    grid = Grid("All items", ["Item", "Asks for", "This run"], rows, folded=True, wraps=True)
    return Section("TRIPOD+AI", NOTE, [count], grids=[grid], saved={"tripod": saved})


def items(record: Record) -> list[Item]:
    """All 52, in their order."""
    return [*_opening(record), *_data(record), *_analysis(record), *_openness(record), *_results(record)]


def _opening(record: Record) -> list[Item]:
    plan = record.plan
    objective = (
        f"To compare {plan.primary} with {plan.reference} in {in_words(plan.metric)}; models are developed and "
        "tested within one data set."
    )
    return [
        Item("1", "a title that names model, patients and outcome"),
        Item("2", "an abstract of its own kind"),
        Item("3a", "the medical setting, and why a model"),
        Item("3b", "for which patients and users"),
        Item("3c", "known inequalities between groups of patients"),
        Item("4", "the objective: development, evaluation or both", objective),
    ]


def _data(record: Record) -> list[Item]:
    schema, section = record.schema, record.plan.data
    asked = [name for name in section.fields or schema.field_names if name not in section.without]
    cited = f": {schema.citation}" if schema.citation else ""
    audited = " The audit above lists what was found." if record.plan.audited else ""
    prepared = (
        f"Photos are shrunk to {section.photo_side} pixels, a note is rendered from the history. Equal photos lie in "
        f"one fold; under two diagnoses they are {CONFLICTS[section.conflicts]}.{audited}"
    )
    size = (
        f"All {len(record.folds):,} labelled cases; no calculation came first. On those tested a true difference of "
        f"{number(record.detectable)} would be found four times in five."
    )
    outcome = f"Diagnosis, one of: {', '.join(schema.class_titles.get(name, name) for name in schema.classes)}."
    photos = " and ".join(map(photo_title, schema.photos))
    fields = f"{_capital(photos)}, and of the history: {', '.join(asked)}." if asked else f"The {photos}."
    known_late = f" Never read, for known only afterwards: {', '.join(schema.outcomes)}." if schema.outcomes else ""
    return [
        Item("5a", "where the data come from, and whom they stand for", f"{schema.name}{cited}."),
        Item("5b", "dates of the data"),
        Item("6a", "centres and kind of care"),
        Item("6b", "who was eligible"),
        Item("6c", "treatments received"),
        Item("7", "how the data were prepared and checked", prepared),
        Item("8a", "the outcome and how it was found", outcome),
        Item("8b", "who assessed the outcome"),
        Item("8c", "whether they were blind to the predictors"),
        Item(
            "9a",
            "how predictors were chosen",
            "All fields that the data set declares, unless the configuration says less.",
        ),
        Item("9b", "the predictors", f"{fields}{known_late}"),
        Item("9c", "who assessed the predictors"),
        Item("10", "the sample size", size),
        Item("11", "missing data", f"{_capital(methods.MISSINGNESS[section.missingness])}. Networks impute nothing."),
    ]


def _analysis(record: Record) -> list[Item]:
    plan, recipe = record.plan, record.plan.training
    balanced = f"Loss: {methods.slot(plan.loss)}; sampler: {recipe.sampler}. Networks are recalibrated."
    judged = (
        "Balanced accuracy, AUROC, sensitivity and specificity by class; log-loss, Brier score, calibration error, "
        "slope and plots; paired differences."
    )
    groups = ", ".join(record.groups)
    return [
        Item("12a", "how data were divided", f"{methods.folds(record)} {methods.parts(record)}"),
        Item("12b", "how predictors were handled", f"Encoders: {methods.encoders(plan.encoders)}."),
        Item("12c", "the kind of model and how it was built", " ".join(methods.arms(record))),
        Item("12d", "differences between clusters such as centres"),
        Item("12e", "measures of performance", judged),
        Item("12f", "updating of the model", "No model was updated."),
        Item("12g", "how predictions were computed", f"By {record.source}; in predictions.parquet, a row a case."),
        Item("13", "imbalance of classes", balanced),
        Item("14", "fairness", f"Results by {groups}, with how many they rest on." if groups else ""),
        Item(
            "15",
            "output of the model",
            "A probability for each class; the answer is the most probable one, no threshold.",
        ),
        Item("16", "differences between training and test data", "None but chance: folds of one data set."),
        Item("17", "ethical approval"),
    ]


def _openness(record: Record) -> list[Item]:
    licence = record.schema.licence
    return [
        Item("18a", "funding"),
        Item("18b", "conflicts of interest"),
        Item("18c", "the protocol", "Question, arms and recipe are in config.json, written before the first cell ran."),
        Item("18d", "registration"),
        Item("18e", "access to the data", f"{record.schema.name}, {licence}." if licence else ""),
        Item("18f", "access to the code", f"{record.source}, Apache-2.0."),
        Item("19", "what patients and the public had a part in"),
    ]


def _results(record: Record) -> list[Item]:
    classes = ", ".join(f"{name} {n:,}" for name, n in record.counts.items())
    flow = (
        f"{len(record.folds):,} labelled cases of "
        f"{counted_patients(record.folds['patient_id'].nunique(), record.schema.patient_unit)}; tested "
        f"{sum(record.counts.values()):,} ({classes})."
    )
    by_fold = ", ".join(f"{fold}: {n:,}" for fold, n in record.folds["fold"].value_counts().sort_index().items())
    kept = "are kept in cells/" if record.plan.training.save_model else "are not kept"
    limits = "One data set, tested on itself; intervals do not cover who was trained on."
    return [
        Item("20a", "flow of participants", flow),
        Item(
            "20b",
            "their characteristics",
            "Counts by subgroup are given above." if record.groups else "",
        ),
        Item("20c", "training and test data side by side", "Folds of one data set; cases by fold under 21."),
        Item("21", "participants and outcomes in each analysis", f"Cases by fold: {by_fold}. {methods.parts(record)}"),
        Item("22", "the model in full", f"The configuration below makes every model again; weights {kept}."),
        Item("23a", "performance with intervals", "Tables and figures above, and results.json."),
        Item("23b", "performance by cluster"),
        Item("24", "results of updating", "No model was updated."),
        Item("25", "interpretation"),
        Item("26", "limits", limits),
        Item("27a", "input that is poor or missing", "Results of fully recorded cases are given beside those of all."),
        Item("27b", "what users must do and know"),
        Item("27c", "what comes next"),
    ]


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
