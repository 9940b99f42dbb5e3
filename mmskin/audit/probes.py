"""Can a model read from the photo, or from the note, whether the history was recorded, when the class is given?

Leaving the blanks out of the note, or levelling them over the classes (`mmskin.data.missingness`), does not take them
out of the photo: lesions of patients whose history was taken may be photographed otherwise, or bear pen marks. So the
flag is probed within each class, where the class itself can't tell it: .5 is nothing, and what lies above is there to
be used as a shortcut.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mmskin.audit.columns import questions
from mmskin.audit.counts import suffice
from mmskin.audit.held_out import UNDEFINED, Bools, HeldOut, Values, auroc_replicates, out_of_fold, summarized
from mmskin.data.missingness import MISSINGNESS, Missingness, as_trained, flags, input_schema
from mmskin.data.table import histories
from mmskin.errors import DataError
from mmskin.evaluation.metrics import Floats
from mmskin.evaluation.subgroups import TOO_FEW
from mmskin.inputs.note import render_note
from mmskin.json_values import records
from mmskin.schema import Schema

Embed = Callable[[Sequence[str]], Floats]
"""Notes, empty ones too → (N, D)."""


def probe_flag(embedding: Floats, flag: Bools, *, held_out: HeldOut) -> pd.DataFrame:
    """AUROC of a linear probe of an embedding for a flag, within every class that has enough cases of both kinds.

    The probe is a logistic regression on standardised dimensions with an L2 penalty, fitted within the class, on other
    patients than those it is scored on.

    Args:
        embedding: (N, D) of the held-out cases, in their order. A row with NaN, of a case without photo, is left out.
        flag: (N,), True for those whose history is not (wholly) recorded.
        held_out: the cases.

    Returns:
        class, auroc, low, high, blank, recorded (cases), note: empty or `TOO_FEW`, see `counts.RULE`. The first row,
        class "", is the mean over the classes that have enough, weighted by their cases; NaN if none has. It says
        nothing of a class whose history is always recorded, such as the cancers of PAD-UFES-20.

    Raises:
        ValueError: the embedding has other rows than the held-out cases.
    """
    if len(embedding) != len(held_out.cases):
        raise ValueError(f"embedding must have a row per labelled case: {len(embedding)} and {len(held_out.cases)}")
    embedding = np.asarray(embedding, dtype=np.float64)
    embedded = np.isfinite(embedding).all(axis=1)
    rows, judged = [], []
    for name in sorted(set(held_out.cases.target)):
        of_class = held_out.is_class(name) & embedded
        side, patient = flag[of_class], held_out.cases.patient_id[of_class]
        size = (int(side.sum()), int((~side).sum()))
        if not (suffice(patient[side]) and suffice(patient[~side])):
            rows.append((name, *UNDEFINED, *size, TOO_FEW))
            continue
        score = out_of_fold(_linear, embedding[of_class], side, fold=held_out.fold[of_class])
        values = auroc_replicates(score, side, held_out=held_out, rows=of_class)
        rows.append((name, *summarized(values), *size, ""))
        judged.append((values, size))
    total = np.array([size for _, size in judged], dtype=int).reshape(-1, 2)
    mean = UNDEFINED
    if judged:
        mean = summarized(np.average([values for values, _ in judged], axis=0, weights=total.sum(axis=1)))
    rows.insert(0, ("", *mean, *total.sum(axis=0).tolist(), "" if judged else TOO_FEW))
    return pd.DataFrame(rows, columns=["class", "auroc", "low", "high", "blank", "recorded", "note"])


def _linear(fitted: Values, positive: Bools, scored: Values) -> Floats:
    # C falls with the width: standardised rows have length sqrt(D), so the penalty is that of rows of length one.
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=1 / fitted.shape[1], max_iter=1000))
    return np.asarray(probe.fit(fitted, positive).decision_function(scored), dtype=np.float64)


@dataclass(frozen=True)
class NoteProbe:
    """What the notes of one missingness mode tell of the blanks.

    refused: why this data set cannot be trained in this mode; the rest is empty then.
    fields: what the note may tell.
    showing: how many of the notes would read differently had nobody's optional block been recorded. With 0 no blank
        can be seen in any note.
    note_to_flag: `probe_flag` of the notes. Under `visible` and `equalized` a note shows its own blanks, so this is
        near 1. Under `always_recorded` showing is 0: what lies above .5 is told by age, site and symptoms, in which
        patients whose history was taken differ, and can't be taken out without these.
    flag_to_class: AUROC of the flag itself for each class and class group, as the training notes show it: above .5 the
        blanks are more frequent there. Empty where no note shows any. Under `visible` it is the shortcut; under
        `equalized` it must be .5 within its interval, so that a note that shows its blanks tells nothing by them.
    """

    mode: Missingness
    refused: str
    fields: tuple[str, ...]
    notes: int
    showing: int
    note_to_flag: pd.DataFrame
    flag_to_class: pd.DataFrame

    def to_json(self) -> dict[str, Any]:
        """Plain values for json.dump, NaN as None."""
        plain = {name: getattr(self, name) for name in ("mode", "refused", "notes", "showing")}
        frames = {"note_to_flag": self.note_to_flag, "flag_to_class": self.flag_to_class}
        return {**plain, "fields": list(self.fields), **{name: records(frame) for name, frame in frames.items()}}


def probe_notes(held_out: HeldOut, schema: Schema, *, embed: Embed, seed: int = 0) -> list[NoteProbe]:
    """What the notes tell of the blanks in each of the three missingness modes, had all cases been training cases.

    Args:
        held_out: the cases.
        schema: the data set's, with an optional block; without one no case has blanks and everything is too few.
        embed: the text encoder, as a function. It may be called with other notes in every mode.
        seed: of what `equalized` hides.
    """
    return [_probe_mode(mode, held_out, schema, embed=embed, seed=seed) for mode in MISSINGNESS]


def _probe_mode(mode: Missingness, held_out: HeldOut, schema: Schema, *, embed: Embed, seed: int) -> NoteProbe:
    try:
        read = input_schema(schema, held_out.cases, mode=mode)
    except DataError as error:
        return NoteProbe(mode, str(error), (), 0, 0, pd.DataFrame(), pd.DataFrame())
    shown = as_trained(held_out.cases, read, mode=mode, seed=seed)
    notes = _notes(shown, read)
    without = _notes(shown.assign(**dict.fromkeys(read.optional_block)), read)
    showing = sum(note != bare for note, bare in zip(notes, without, strict=True))
    flag = flags(shown, schema)
    probe = probe_flag(embed(notes), flag, held_out=held_out)
    told = flag_to_class(flag, schema, held_out=held_out) if showing else pd.DataFrame()
    return NoteProbe(mode, "", read.field_names, len(notes), showing, probe, told)


def flag_to_class(flag: Bools, schema: Schema, *, held_out: HeldOut) -> pd.DataFrame:
    """AUROC of a flag, read as it is, for each class and class group: against, auroc, low, high; NaN for too few."""
    everyone = np.ones(len(flag), dtype=bool)
    rows = []
    for against, positive in questions(held_out, schema).items():
        enough = all(suffice(held_out.cases.patient_id[side]) for side in (positive, ~positive))
        score = flag.astype(np.float64)
        values = auroc_replicates(score, positive, held_out=held_out, rows=everyone, within=False)
        rows.append((against, *(summarized(values) if enough else UNDEFINED)))
    return pd.DataFrame(rows, columns=["against", "auroc", "low", "high"])


def _notes(table: pd.DataFrame, schema: Schema) -> list[str]:
    return [render_note(history, schema) for history in histories(table, schema)]
