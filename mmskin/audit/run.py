"""The whole audit of a data set, before anyone trains on it: `mmskin audit`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from mmskin.audit.counts import count_classes, count_subgroups, map_recorded
from mmskin.audit.crossings import find_crossings
from mmskin.audit.duplicates import Pair, find_copies, photos_of
from mmskin.audit.findings import (
    Finding,
    column_findings,
    copy_findings,
    count_findings,
    crossing_findings,
    marker_findings,
    outcome_name_findings,
    source_findings,
    value_findings,
)
from mmskin.audit.held_out import REPLICATES, Bools, HeldOut, hold_out
from mmskin.audit.markers import read_markers
from mmskin.audit.note_embeddings import note_embedder
from mmskin.audit.outcome_names import outcomes_by_name
from mmskin.audit.probes import NoteProbe, probe_flag, probe_notes
from mmskin.audit.proxies import find_proxies, named, roles
from mmskin.audit.telling_values import find_telling_values
from mmskin.audit.traces import Traces, trace_photos
from mmskin.config.experiment import DataConfig
from mmskin.data.load import asked_fields, folds_of, labelled_cases, read_source
from mmskin.data.missingness import flags
from mmskin.data.table import Cases, photos_by_kind
from mmskin.evaluation.metrics import Floats
from mmskin.schema import Schema

Say = Callable[[str], None]


class Audit(NamedTuple):
    """Everything that was looked at; tables as their functions describe them.

    cases: the labelled ones.
    photo_to_flag: by kind, probes of the photo for the blanks, and
    notes: of the note in each missingness mode; None and () where the data set has no optional block, or no blanks.
    """

    data: DataConfig
    cases: Cases
    folds: pd.Series[int]
    classes: pd.DataFrame
    subgroups: pd.DataFrame
    recorded: pd.DataFrame
    crossings: pd.DataFrame
    pairs: list[Pair]
    proxies: pd.DataFrame
    values: pd.DataFrame
    markers: pd.DataFrame
    photo_to_flag: dict[str, pd.DataFrame] | None
    notes: tuple[NoteProbe, ...]
    findings: tuple[Finding, ...]

    @property
    def leaks(self) -> int:
        return sum(finding.level == "leak" for finding in self.findings)


def run_audit(data: DataConfig, *, replicates: int = REPLICATES, seed: int = 0, say: Say = lambda line: None) -> Audit:
    """Read the data set, look at every photo once, and at every column.

    Args:
        data: the data section of an experiment; its folds, fields and missingness mode are judged too.
        replicates: resamples of the patients.
        seed: of folds for the AUROCs, of resamples, and of what `equalized` hides.
        say: told what is being done.

    Raises:
        DataError: the data set cannot be read; `mmskin data check` lists why.
    """
    every = read_source(data)
    cases = labelled_cases(every, fields=asked_fields(data, every.schema))
    table, schema = cases.table, cases.schema
    folds = folds_of(data, cases)
    photos = photos_of(every)
    say(f"{len(every.table):,} cases; looking at {len(photos):,} photos")
    traces = trace_photos(photos)
    pairs = find_copies(every, traces=traces)
    say("what columns, blanks, notes and photos tell")
    held_out = hold_out(table, replicates=replicates, seed=seed)
    proxies, markers = find_proxies(held_out, schema), read_markers(held_out, schema)
    values = find_telling_values(held_out, schema)
    undeclared = [name for name, role in roles(held_out.cases, schema).items() if role != "outcome"]
    classes, subgroups = count_classes(table, schema), count_subgroups(table, schema)
    crossings = find_crossings(table, folds)
    photo_to_flag, notes = _probes(held_out, schema, traces, seed=seed)
    inputs = {*(data.fields or schema.field_names)} - {*data.without}
    findings = [
        *crossing_findings(crossings),
        *copy_findings(pairs, folds),
        *column_findings(proxies, inputs=inputs, missingness=data.missingness),
        *value_findings(values, inputs=inputs, named_already=_named_by_value(proxies)),
        *outcome_name_findings(outcomes_by_name(undeclared, of=schema.name), inputs=inputs),
        *marker_findings(markers),
        *count_findings(classes, subgroups),
        *source_findings((*every.remarks, *traces.remarks), traces.unreadable),
    ]
    findings.sort(key=lambda finding: ("leak", "suspicion", "note").index(finding.level))
    return Audit(
        data=data,
        cases=cases,
        folds=folds,
        classes=classes,
        subgroups=subgroups,
        recorded=map_recorded(table, schema),
        crossings=crossings,
        pairs=pairs,
        proxies=proxies,
        values=values,
        markers=markers,
        photo_to_flag=photo_to_flag,
        notes=notes,
        findings=tuple(findings),
    )


def _named_by_value(proxies: pd.DataFrame) -> set[str]:
    found = named(proxies)
    return set(found[found.told == "value"].column)


def _probes(
    held_out: HeldOut, schema: Schema, traces: Traces, *, seed: int
) -> tuple[dict[str, pd.DataFrame] | None, tuple[NoteProbe, ...]]:
    """What each kind of photo and the note tell of the blanks; nothing where there are none."""
    flag = flags(held_out.cases, schema)
    if not schema.optional_block or not flag.any():
        return None, ()
    notes = tuple(probe_notes(held_out, schema, embed=note_embedder(), seed=seed))
    return photo_probes(held_out, flag, schema, traces), notes


def photo_probes(held_out: HeldOut, flag: Bools, schema: Schema, traces: Traces) -> dict[str, pd.DataFrame] | None:
    """By kind of photo, a probe of it for the flag; None where photos have no embedding."""
    if traces.embeddings is None:
        return None
    photos = photos_by_kind(held_out.cases, schema)
    by_kind = {kind: _by_case((of_case[kind] for of_case in photos), traces) for kind in schema.photos}
    return {kind: probe_flag(means, flag, held_out=held_out) for kind, means in by_kind.items()}


def _by_case(images: Iterable[Sequence[str]], traces: Traces) -> Floats:
    """(N, D) mean embedding of the photos of every case; NaN for a case without any that can be read."""
    assert traces.embeddings is not None
    row_of = traces.rows
    means = []
    for paths in images:
        rows = [row_of[path] for path in paths if path in row_of]
        nothing = np.full(traces.embeddings.shape[1], np.nan)
        means.append(traces.embeddings[rows].mean(axis=0) if rows else nothing)
    return np.array(means, dtype=np.float64)
