"""Models on patients from elsewhere: the tables of any evaluation, and what only a second place can show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from mmskin.benchmark.safety import Held, coverage, triage
from mmskin.config.experiment import DataConfig
from mmskin.errors import ConfigError
from mmskin.evaluation.intervals import draw_patients, evaluate_some
from mmskin.evaluation.operating_points import OperatingPoint, at_threshold
from mmskin.evaluation.predictions import class_names, probabilities
from mmskin.evaluation.results import Runs
from mmskin.external.answered import Elsewhere, answer_elsewhere
from mmskin.external.new_cases import labelled_new_cases
from mmskin.external.overlap import find_overlap
from mmskin.report.pages import Section, Sections
from mmskin.report.sections.elsewhere import (
    BESIDE,
    PRIORS,
    beside_home_section,
    prior_shift_section,
    thresholds_section,
)
from mmskin.report.sections.safeguards import safeguards_elsewhere_section
from mmskin.trained.ensemble import Ensemble, Trained
from mmskin.trained.parts_there import key_of, parts_read
from mmskin.trained.reference import Reference, group_probability, reference_of
from mmskin.trained.run_models import load_trained
from mmskin.trained.stated_prior import DATA, ESTIMATED, Prior
from mmskin.trained.trained_model import EXPECTED

AS_ANSWERED = "as the model answers"
WORDS = {
    "own": "of its validation cases",
    ESTIMATED: "estimated of the new cases, without labels",
    DATA: "of the new cases",
}


class ElsewhereResults(NamedTuple):
    """What a report is made of.

    runs: predictions of all models. sections: of the page. notes: sentences on what was left out or read oddly.
    """

    runs: Runs
    sections: Sections
    notes: list[str]


def evaluate_elsewhere(
    models: Mapping[str, Path],
    place: Path | DataConfig,
    *,
    arm: str | None = None,
    kinds: Mapping[str, str] | None = None,
    prior: Prior | None = None,
    copies: bool = False,
    replicates: int = 2000,
) -> ElsewhereResults:
    """Models on the same patients from elsewhere.

    Args:
        models: folders of models, or of runs whose models answer together, by the name in tables.
        place: a table laid out as the model's own, or the data section of a config.
        arm: of run folders with models of several arms, the one.
        kinds: see `mmskin.data.foreign_cases.in_schema`.
        prior: shares of the classes under which answers are evaluated; as the models answer if None.
        copies: whether photos are compared with those of the training data set, and cases with copies left out.
        replicates: resamples of the patients.

    Raises:
        UserError: a model, cases or prior that does not fit; models with different classes.
    """
    answered: list[Elsewhere] = []
    notes: list[str] = []
    for name, folder in models.items():
        trained = load_trained(folder, arm=arm)
        cases = labelled_new_cases(place, trained, kinds=kinds)
        notes += [f"{remark[0].upper()}{remark[1:]}." for remark in cases.remarks]
        if copies:
            overlap = find_overlap(trained, cases)
            copied = cases.table["case_id"].isin(overlap.cases)
            cases = cases._replace(table=cases.table[~copied].reset_index(drop=True))
            notes.append(
                f"{len(overlap.cases)} cases with copies of photos of {overlap.home} are left out "
                f"({overlap.photos[1]:,} photos were compared with {overlap.photos[0]:,})."
            )
        answered.append(answer_elsewhere(trained, cases, arm=name, folder=folder))
        notes += _notes(answered[-1], copies=copies)
    first = answered[0].trained.schema
    for other in answered[1:]:
        if other.trained.schema.classes != first.classes:
            raise ConfigError(f"{answered[0].arm} and {other.arm} have other classes: evaluate them apart")
    table = pd.concat([one.table if prior is None else one.under(prior) for one in answered], ignore_index=True)
    runs = Runs(table, [], first.class_groups, first.class_titles, cases.schema.patient_unit)
    return ElsewhereResults(runs, _sections(answered, table, replicates), list(dict.fromkeys(notes)))


def _notes(one: Elsewhere, *, copies: bool) -> list[str]:
    notes = []
    if one.shared:
        notes.append(f"{one.shared} patients on whom {one.arm} was trained are left out.")
    if one.same_ids:
        notes.append(
            f"{one.same_ids} patient ids are also ids of patients on whom {one.arm} was trained, in a data set of "
            "another name: if they are the same people, leave them out."
        )
    if one.unanswered:
        notes.append(f"{one.unanswered} cases of which {one.arm} can read nothing are left out.")
    if not copies:
        notes.append("Photos were not compared with those of the training data; --copies does.")
    return notes


def _sections(answered: Sequence[Elsewhere], table: pd.DataFrame, replicates: int) -> Sections:
    home = {one.arm: scores for one in answered if (scores := _scores_at_home(one, replicates)) is not None}
    there = list(dict.fromkeys(table["target"]))
    fewer = {
        one.arm: [name for name in class_names(table) if name in there]
        for one in answered
        if one.arm in home and len(there) < len(class_names(table))
    }
    amid = [prior_shift(one, replicates) for one in answered if one.judged is not None]
    amid += [of for one in answered for of in safeguards_elsewhere(one)]
    points = [point for one in answered for point in thresholds_elsewhere(one, replicates)]
    return Sections(
        above=[beside_home_section(evaluate_some(table, BESIDE, replicates=replicates), home, fewer)],
        amid=[*amid, *([thresholds_section(points)] if points else [])],
    )


def safeguards_elsewhere(one: Elsewhere) -> list[Section]:
    """What the sets and the triage of a model do there, unchanged; nothing of a model without safeguards."""
    if one.judged is None:
        return []
    held = Held(
        one.table,
        {"bias_corrected": one.judged.probabilities},
        {"by_class": one.judged.inside},
        one.judged.levels,
        {},
    )
    schema = one.trained.schema
    whole = {"parts": key_of(parts_read(one.trained.modalities))}
    found = coverage(held).assign(**whole), triage(held, schema.class_groups).assign(**whole)
    return [safeguards_elsewhere_section(*found, arm=one.arm, titles=schema.class_titles)]


def _scores_at_home(one: Elsewhere, replicates: int) -> pd.DataFrame | None:
    if one.internal is not None:
        return evaluate_some(one.internal, BESIDE, replicates=replicates)
    expected = one.trained.record.get(EXPECTED)
    if expected is None:
        return None
    kept = pd.DataFrame(expected["metrics"]).fillna(np.nan)
    return kept[(kept["subset"] == "all") & (kept["class"] == "")]


def prior_shift(one: Elsewhere, replicates: int) -> Section:
    """The answers of one model under four priors."""
    shares = {WORDS[key]: of for key, of in one.shares().items()}
    variants = {AS_ANSWERED: one.table, WORDS["own"]: one.under_own()}
    variants |= {WORDS[prior]: one.under(prior) for prior in (ESTIMATED, DATA)}
    rows = pd.concat([table.assign(arm=name) for name, table in variants.items()], ignore_index=True)
    metrics = evaluate_some(rows, PRIORS, replicates=replicates)
    return prior_shift_section(
        one.arm, metrics, {name: list(map(float, of)) for name, of in shares.items()}, class_names(rows)
    )


def thresholds_elsewhere(one: Elsewhere, replicates: int) -> list[tuple[str, str, str, float, OperatingPoint]]:
    """Every threshold that a model keeps, on the answers as it gives them."""
    rows = one.table
    weights = draw_patients(rows["patient_id"], replicates=replicates).weights(rows["patient_id"])
    found = []
    for group, chosen in thresholds_of(one.trained).items():
        members = one.trained.schema.class_groups[group]
        scores = group_probability(probabilities(rows), one.trained.schema, members)
        inside = rows["target"].isin(members).to_numpy()
        for aimed, threshold in chosen.items():
            point = at_threshold(scores, inside, threshold=threshold, weights=weights)
            found.append((one.arm, group, aimed, threshold, point))
    return found


def thresholds_of(trained: Trained) -> dict[str, dict[str, float]]:
    """By class group and sensitivity; of several models together the means of theirs."""
    references = references_of(trained)
    groups = dict.fromkeys(group for reference in references for group in reference.thresholds)
    return {
        group: {
            aimed: float(np.mean([r.thresholds[group][aimed] for r in references if group in r.thresholds]))
            for aimed in next(r.thresholds[group] for r in references if group in r.thresholds)
        }
        for group in groups
    }


def references_of(trained: Trained) -> list[Reference]:
    """What a model remembers, or what each of several models together does; [] where they do not."""
    reference = reference_of(trained)
    if reference is not None:
        return [reference]
    return [r for member in trained.members for r in references_of(member)] if isinstance(trained, Ensemble) else []
