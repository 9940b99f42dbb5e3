"""audit.html, one file with the pictures in it, and audit.json with the same findings and numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from markupsafe import Markup

from mmskin.audit import proxies
from mmskin.audit.counts import RULE
from mmskin.audit.duplicates import SIMILAR, Pair
from mmskin.audit.markers import LOW, NOT_KNOWN
from mmskin.audit.pictures import Thumbnail, contact_sheets, thumbnail
from mmskin.audit.probes import NoteProbe
from mmskin.audit.run import Audit
from mmskin.errors import first_of
from mmskin.evaluation.subgroups import TOO_FEW
from mmskin.features import photo_title
from mmskin.json_values import records
from mmskin.report.class_legend import class_section
from mmskin.report.numbers import NOTHING, count, number, with_interval
from mmskin.report.pages import Grid, Section, environment, made_section, render, report_page, write_page

HERE = Path(__file__).parent
FINDINGS = (
    "Leak: a test on these folds, or a model of these inputs, would say too much. Suspicion: worth a look by a person. "
    "Note: good to know before reading any score."
)
WARNING = "This page holds patients' photos: keep it where the data set itself may be kept."
MOST_PAIRS = 40  # shown side by side
MOST_COLUMNS = 25  # rows of the table of columns and flags

THRESHOLDS = (
    f"A value column is a suspected proxy from an AUROC of {proxies.VALUE_OF_CLASS} for a class against the rest, or "
    f"of {proxies.VALUE_OF_MALIGNANT} for malignant against benign. That spares what is honestly strong: age alone "
    "tells naevi with about 0.91 in PAD-UFES-20, a biopsy cancers with about 0.90. Whether a column is recorded should "
    f"tell nothing: it is a shortcut where the interval begins at {proxies.RECORDED_LOW:g} or above. AUROCs are of "
    "patients to whom nothing was fitted, in five folds, intervals from resampled patients; sides with "
    f"{RULE.removeprefix('too few to say: ')} are not judged."
)
PAIR_THRESHOLD = (
    "Candidates come from perceptual hashes and from an ImageNet network; a pair is listed only if its fine detail "
    f"agrees once the photos are laid over each other: similarity {SIMILAR} or more. Planted copies reached 0.59 or "
    "more, other look-alikes 0.17 or less."
)
PHOTO_TO_FLAG = (
    "Whether the history was recorded, guessed from the photo alone within each class: 0.5 is nothing. What lies above "
    "is there to be used as a shortcut, and no mode of missingness takes it out of the photos."
)
NOTE_TO_FLAG = (
    "The same guess from the note, and what a missing history tells of the class, in each mode of training. A note "
    "that shows what is missing gives the flag away, which is no fault by itself: under equalized the flag must then "
    "tell nothing of the class, 0.5 within its interval. Under always_recorded no note shows it; what is above 0.5 "
    "comes from the "
    "age, site and symptoms of those whose history was taken."
)


class PicturedPair(NamedTuple):
    """Two photos that are copies, side by side."""

    title: str
    photos: tuple[Thumbnail, Thumbnail]


def write_audit(audit: Audit, folder: Path, *, command: str = "") -> Path:
    """Write audit.html, audit.json and copies.csv; the folder is made. Returns the page's path."""
    made = environment(command)
    page = report_page(
        f"Audit of {audit.cases.schema.name}",
        [*_sections(audit), made_section(made)],
        headline=[summary(audit)],
        warnings=[WARNING],
        style=(HERE / "page.css").read_text(encoding="utf-8"),
    )
    write_copies(audit.pairs, folder / "copies.csv")
    content = {"data": audit.data.model_dump(mode="json"), "environment": made, **to_json(audit)}
    return write_page(folder / "audit.html", page, content)


def _sections(audit: Audit) -> list[Section]:
    """In the order in which a person goes through them."""
    schema, table = audit.cases.schema, audit.cases.table
    labels = dict(zip(table.case_id, table.target, strict=True))
    marks = _marker_grid(audit.markers)
    return [
        Section("Findings", FINDINGS, html=_part("findings", findings=audit.findings)),
        *class_section(schema.classes, schema.class_titles, schema.class_groups),
        Section(
            "Duplicate photos",
            PAIR_THRESHOLD,
            html=_part(
                "pairs",
                pairs=[_pictured(pair, labels) for pair in audit.pairs[:MOST_PAIRS]],
                more=max(0, len(audit.pairs) - MOST_PAIRS),
            ),
        ),
        Section(
            "What tells the class by itself",
            lines=[] if marks else [f"Marks in the photo: {NOT_KNOWN}."],
            grids=[_column_grid(audit.proxies), *([marks] if marks else [])],
        ),
        Section(
            "What is recorded",
            html=_part("recorded", recorded=_recorded_map(audit.recorded), classes=schema.classes),
        ),
        *_flag_sections(audit),
        Section("Who is there", grids=[_class_grid(audit.classes), *_subgroup_grids(audit.subgroups, schema.classes)]),
        Section("Photos of every class", html=_part("sheets", sheets=contact_sheets(table, schema))),
    ]


def _flag_sections(audit: Audit) -> list[Section]:
    """Whether the flag can be guessed from photo and note; nothing where that was not asked."""
    title = "Can it be guessed within a class whether the history was recorded?"
    probes = audit.photo_to_flag or {}
    grids = [_flag_grid(f"From the {photo_title(kind)}", probe) for kind, probe in probes.items()]
    told = [PHOTO_TO_FLAG] if grids else []
    if audit.notes:
        grids.append(_note_grid(audit.notes)._replace(note=NOTE_TO_FLAG))
    return [Section(title, " ".join(told), grids=grids)] if grids else []


def _part(name: str, **values: Any) -> Markup:
    """A part of the page that only an audit has."""
    return Markup(render(HERE / f"{name}.html.jinja", **values))


def write_copies(pairs: Sequence[Pair], path: Path) -> None:
    """Pairs of two cases, for a person to go through; `data.copies` reads what is left of them."""
    columns = ["first", "second", "kind", "how", "similarity", "same_label"]
    rows = [[getattr(pair, column) for column in columns] for pair in pairs if pair.first != pair.second]
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows, columns=columns).to_csv(path, index=False, lineterminator="\n")


def summary(audit: Audit) -> str:
    """The first sentence."""
    suspicions = sum(finding.level == "suspicion" for finding in audit.findings)
    read = f"{len(audit.cases.table):,} labelled cases of {audit.cases.patients}"
    leaks = _count(audit.leaks, "leak") if audit.leaks else "no leak"
    unjudged = _unjudged(audit.proxies)
    few = f" {TOO_FEW.capitalize()} of {_count(len(unjudged), 'column')}: {first_of(unjudged, 5)}." if unjudged else ""
    return f"{read}: {leaks}, {_count(suspicions, 'suspicion')} to look at.{few}"


def _unjudged(proxies: pd.DataFrame) -> list[str]:
    """Columns of which nothing can be said against any class."""
    of_values = proxies[proxies.told == "value"]
    judged = of_values.assign(judged=of_values.auroc.notna()).groupby("column", sort=False)["judged"].any()
    return [str(column) for column in judged.index[~judged]]


def _count(number_of: int, word: str) -> str:
    return f"{number_of} {word}" + ("" if number_of == 1 else "s")


def to_json(audit: Audit) -> dict[str, Any]:
    """Findings and numbers as plain values."""
    return {
        "schema": audit.cases.schema.name,
        "summary": summary(audit),
        "leaks": audit.leaks,
        "findings": [asdict(finding) for finding in audit.findings],
        "crossings": records(audit.crossings),
        "copies": [asdict(pair) for pair in audit.pairs],
        "columns": records(audit.proxies),
        "values": records(audit.values),
        "markers": records(audit.markers),
        "photo_to_flag": _by_kind(audit.photo_to_flag),
        "notes": [probe.to_json() for probe in audit.notes],
        "recorded": records(audit.recorded),
        "classes": records(audit.classes),
        "subgroups": records(audit.subgroups),
    }


def _by_kind(probes: Mapping[str, pd.DataFrame] | None) -> Any:
    """Rows of the probe; by kind of photo where there are several."""
    saved = {kind: records(probe) for kind, probe in (probes or {}).items()}
    return saved if len(saved) > 1 else next(iter(saved.values()), [])


def _pictured(pair: Pair, labels: Mapping[str, str]) -> PicturedPair:
    first, second = (
        thumbnail(photo, f"{case}, {labels.get(case, 'no label')}")
        for case, photo in zip((pair.first, pair.second), pair.photos, strict=True)
    )
    of = "one lesion" if pair.same_lesion else "one patient, two lesions" if pair.same_patient else "two patients"
    conflict = "; two diagnoses" if pair.same_label is False else ""
    similarity = "" if pair.kind == "exact" else f", similarity {number(pair.similarity, digits=2)}"
    return PicturedPair(f"{pair.how}{similarity}; {of}{conflict}", (first, second))


def _auroc(row: Mapping[Any, Any]) -> str:
    return with_interval({**row, "estimate": row["auroc"]})


def _column_grid(columns: pd.DataFrame) -> Grid:
    """Every column and flag with the class that it tells best, the strongest first."""
    strongest = columns.sort_values("auroc", ascending=False, kind="stable").drop_duplicates(["column", "told"])
    rows = strongest.dropna(subset="auroc").head(MOST_COLUMNS).to_dict("records")
    lines = [
        [_short(row["column"]), row["told"], row["role"], row["against"], _auroc(row), count(row["n"]), row["verdict"]]
        for row in rows
    ]
    head = ["Column", "Told by its", "Role", "For", "AUROC", "n", "Verdict"]
    return Grid("Columns and recorded-flags, each for the class that it tells best", head, lines, THRESHOLDS)


def _short(names: str) -> str:
    """Columns recorded together, the first two and a count."""
    first, *others = names.split(", ")
    return names if len(others) < 2 else f"{first}, {others[0]} and {len(others) - 1} more"


def _marker_grid(markers: pd.DataFrame) -> Grid | None:
    if markers.empty:
        return None
    lines = [
        [row["column"], row["against"], _auroc(row), count(row["n"]), row["verdict"]]
        for row in markers.to_dict("records")
    ]
    note = (
        f"A marker whose interval begins at {LOW:g} or above goes with the class: a model may read it from the photo."
    )
    return Grid("Marks in the photo", ["Marker", "For", "AUROC", "n", "Verdict"], lines, note)


def _flag_grid(title: str, probes: pd.DataFrame) -> Grid:
    lines = [
        [row["class"] or "mean of classes", _auroc(row), count(row["blank"]), count(row["recorded"]), row["note"]]
        for row in probes.to_dict("records")
    ]
    return Grid(title, ["Class", "AUROC", "Not recorded", "Recorded", ""], lines)


def _note_grid(notes: Sequence[NoteProbe]) -> Grid:
    lines = []
    for probe in notes:
        if probe.refused:
            lines.append([probe.mode, NOTHING, NOTHING, NOTHING, probe.refused])
            continue
        within = _auroc(probe.note_to_flag.iloc[0].to_dict())
        classes = probe.flag_to_class
        strongest = "nothing missing is shown"
        if len(classes) and classes.auroc.notna().any():
            row = max(classes.dropna(subset="auroc").to_dict("records"), key=lambda row: abs(row["auroc"] - 0.5))
            strongest = f"{_auroc(row)} for {row['against']}"
        lines.append([probe.mode, str(len(probe.fields)), f"{probe.showing:,} of {probe.notes:,}", within, strongest])
    head = ["Mode", "Fields", "Notes that show what is missing", "Note → flag, within class", "Flag → class, strongest"]
    return Grid("From the note", head, lines)


def _recorded_map(recorded: pd.DataFrame) -> list[tuple[str, list[tuple[str, float]]]]:
    """By field, the share of each class (all first) as text and number."""
    rows = []
    for field, shares in recorded.groupby("field", sort=False):
        cells = [
            (NOTHING, 0.0) if pd.isna(share) else (number(100 * share, digits=0), float(share))
            for share in shares["share"]
        ]
        rows.append((str(field), cells))
    return rows


def _class_grid(classes: pd.DataFrame) -> Grid:
    lines = [
        [row["class"], count(row["n"]), count(row["patients"]), count(row["lesions"]), row["note"]]
        for row in classes.to_dict("records")
    ]
    return Grid("Classes", ["Class", "Cases", "Patients", "Lesions", ""], lines, RULE)


def _subgroup_grids(subgroups: pd.DataFrame, classes: Sequence[str]) -> list[Grid]:
    grids = []
    for column, rows in subgroups.groupby("column", sort=False):
        lines = []
        for value, of_value in rows.groupby("value", sort=False):
            counts = {row["class"]: row for row in of_value.to_dict("records")}
            numbers = [count(counts[name]["n"]) for name in ("", *classes)]
            lines.append([str(value), *numbers, count(counts[""]["patients"]), counts[""]["note"]])
        head = [str(column).replace("_", " ").capitalize(), "All", *classes, "Patients", ""]
        grids.append(Grid(head[0], head, lines))
    return grids
