"""What an audit found, as sentences, and which of it stands in the way of an honest test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from mmskin.audit.counts import RULE
from mmskin.audit.duplicates import Pair
from mmskin.audit.outcome_names import KnownOutcome
from mmskin.audit.proxies import DECLARED, PROXY, SHORTCUT, named
from mmskin.audit.telling_values import CONSTANT, ONE_CLASS
from mmskin.errors import first_of
from mmskin.report.numbers import count, number, with_interval

Level = Literal["leak", "suspicion", "note"]


@dataclass(frozen=True)
class Finding:
    """One sentence of the audit.

    level: "leak": a test on these folds, or a model of these inputs, would say too much; "suspicion": look at it;
        "note": good to know.
    kind: splits, copies, labels, flags, columns, values, names, markers, counts or source.
    """

    level: Level
    kind: str
    text: str


def crossing_findings(crossings: pd.DataFrame) -> Iterator[Finding]:
    """Patients, lesions and photos that lie in several folds."""
    for kind, rows in crossings.groupby("kind", sort=False):
        what = {"image": "photo files", "photo": "photos (equal bytes)"}.get(str(kind), f"{kind}s")
        told = [f"{row['id']} (folds {', '.join(map(str, row['folds']))})" for row in rows.to_dict("records")]
        yield Finding("leak", "splits", f"{len(rows)} {what} lie in several folds: {first_of(told, 5)}")


def copy_findings(pairs: Sequence[Pair], folds: pd.Series[int]) -> Iterator[Finding]:
    """Copies over folds, under two labels, of two patients or two lesions. Photos of one lesion may look alike."""
    fold: dict[object, int] = folds.to_dict()  # a case without one is in no part
    tried = [pair for pair in pairs if pair.kind == "near" and {pair.first, pair.second} <= fold.keys()]
    parted = [pair for pair in tried if fold[pair.first] != fold[pair.second]]
    sisters = [pair for pair in pairs if pair.same_patient and not pair.same_lesion]
    conflicting = [pair for pair in pairs if pair.same_label is False]
    strangers = [pair for pair in pairs if not pair.same_patient]
    found: list[tuple[Level, str, str, list[Pair]]] = [
        ("leak", "copies", "lie in two folds", parted),
        ("suspicion", "labels", "stand under two diagnoses", conflicting),
        ("suspicion", "copies", "belong to two patients: one patient under two ids?", strangers),
        ("suspicion", "copies", "of one patient stand under two lesions", sisters),
    ]
    for level, kind, told, members in found:
        if members:
            yield Finding(level, kind, f"{_pairs(members)} {told}")
    within = Counter(pair.kind for pair in pairs if pair.same_lesion)
    if within:
        counts = ", ".join(f"{count} {kind}" for kind, count in sorted(within.items()))
        yield Finding("note", "copies", f"copies within one lesion: {counts}")


def _pairs(pairs: Sequence[Pair]) -> str:
    count = "1 pair of copies" if len(pairs) == 1 else f"{len(pairs)} pairs of copies"
    return f"{count} ({first_of([f'{pair.first} = {pair.second}, {pair.how}' for pair in pairs], 3)})"


def column_findings(proxies: pd.DataFrame, *, inputs: Collection[str], missingness: str) -> Iterator[Finding]:
    """Columns and recorded-flags that tell the class too well alone.

    A value is a leak where a model reads it. A flag is one under `visible`; the other modes of missingness are made so
    that a model cannot read it.
    """
    found = named(proxies)
    of_fields = found[(found.verdict == SHORTCUT) & (found.role == "field")]
    if len(of_fields):
        yield _flag_finding(of_fields.to_dict("records"), missingness=missingness)
    for row in found.drop(of_fields.index).to_dict("records"):
        score, is_input = f"AUROC {_score(row)} for {row['against']}", row["column"] in inputs
        if row["verdict"] == SHORTCUT:
            yield Finding("note", "flags", f"whether {row['column']} is recorded tells the class: {score}; no input")
        elif row["verdict"] == DECLARED:
            text = f"{row['column']} tells the class alone: {score}; a declared outcome, never an input"
            yield Finding("note", "columns", text)
        elif row["verdict"] == PROXY:
            text = f"{row['column']} tells the class alone: {score}; {_fate(is_input)}"
            yield Finding("leak" if is_input else "suspicion", "columns", text)


def value_findings(
    values: pd.DataFrame, *, inputs: Collection[str], named_already: Collection[str]
) -> Iterator[Finding]:
    """Single values that tell the class, a sentence a column; none for a column that is named as a whole already.

    That a frequent class never has a value may be honest, so it is no more than a suspicion.
    """
    for (column, role), rows in values.groupby(["column", "role"], sort=False):
        if column in named_already:
            continue
        is_input = column in inputs
        told = [_value_told(row) for row in rows.sort_values("chance", kind="stable").to_dict("records")]
        text = f"{column}: {first_of(told, 3)}"
        if role == "outcome":
            yield Finding("note", "values", f"{text}; a declared outcome, never an input")
        else:
            certain = set(rows.verdict) & {ONE_CLASS, CONSTANT}
            yield Finding("leak" if is_input and certain else "suspicion", "values", f"{text}; {_fate(is_input)}")


def _value_told(row: Mapping[Any, Any]) -> str:
    if row["verdict"] == CONSTANT:
        return f"every class has one value alone ({count(row['n'])} cases)"
    of = f"the {count(row['n'])} cases with {str(row['value'])!r}"
    if row["verdict"] == ONE_CLASS:
        return f"{of} are all {row['class']}"
    return f"none of {of} is {row['class']}, where {number(row['expected'], digits=0)} patients are expected"


def outcome_name_findings(known: Mapping[str, KnownOutcome], *, inputs: Collection[str]) -> Iterator[Finding]:
    """Columns that another data set keeps as outcomes."""
    for column, outcome in known.items():
        is_input = column in inputs
        text = f"{column} is no input in {outcome.source} ({outcome.reason}); {_fate(is_input)}"
        yield Finding("leak" if is_input else "suspicion", "names", text)


def _fate(is_input: bool) -> str:
    return "and is an input" if is_input else "declare it as an outcome if it is known only afterwards"


def _flag_finding(rows: Sequence[Mapping[Any, Any]], *, missingness: str) -> Finding:
    """All flags of fields in one: they mostly go together, and one remedy serves them all."""
    strongest, *others = rows
    text = f"whether {strongest['column']} is recorded tells the class alone: AUROC {_score(strongest)} "
    text += f"for {strongest['against']}"
    if others:
        names = [name for row in others for name in str(row["column"]).split(", ")]
        text += f"; so does {first_of(names, 3)}"
    if missingness == "visible":
        told = "; a model under data.missingness: visible can read it, use always_recorded or equalized"
        return Finding("leak", "flags", text + told)
    return Finding("note", "flags", f"{text}; data.missingness: {missingness} keeps it from the model")


def marker_findings(markers: pd.DataFrame) -> Iterator[Finding]:
    """Pen marks, rulers and the like that go with the class."""
    suspected = markers[markers.verdict != ""].sort_values("auroc", ascending=False, kind="stable")
    for row in suspected.drop_duplicates("column").to_dict("records"):
        text = f"{row['column']} in the photo goes with the class: AUROC {_score(row)} for {row['against']}"
        yield Finding("suspicion", "markers", text)


def count_findings(classes: pd.DataFrame, subgroups: pd.DataFrame) -> Iterator[Finding]:
    """Classes and subgroups of which too little is there to say anything."""
    thin = [f"{row['class']} ({row['n']})" for row in classes[classes.note != ""].to_dict("records")]
    if thin:
        yield Finding("note", "counts", f"classes {first_of(thin)}: {RULE}")
    whole = subgroups[(subgroups["class"] == "") & (subgroups.note != "")]
    for column, rows in whole.groupby("column", sort=False):
        few = first_of([f"{row['value']} ({row['n']})" for row in rows.to_dict("records")])
        yield Finding("note", "counts", f"{column} {few}: {RULE}")


def source_findings(remarks: Sequence[str], unreadable: Mapping[str, str]) -> Iterator[Finding]:
    """What was met while reading."""
    if unreadable:
        told = first_of(list(unreadable.values()), 3)
        yield Finding("suspicion", "source", f"{len(unreadable)} photos cannot be read: {told}")
    for remark in remarks:
        yield Finding("note", "source", remark)


def _score(row: Mapping[Any, Any]) -> str:
    return with_interval({**row, "estimate": row["auroc"]})
