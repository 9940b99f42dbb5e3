"""What photo and note tell of the blanks, where it was planted how much they do."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from audit.drawn_clinic import drawn_clinic
from real_data import real_data
from sklearn.feature_extraction.text import TfidfVectorizer

from mmskin.audit.held_out import HeldOut, hold_out
from mmskin.audit.probes import flag_to_class, probe_flag, probe_notes
from mmskin.data.missingness import flags, missing_rates
from mmskin.data.sources.pad_ufes_20 import PadUfes20
from mmskin.data.table import Cases
from mmskin.synthetic.population import Missing

BY_CLASS = Missing(by_class={"alvita": 0.6, "corvex": 0.4, "durelle": 0.3})


@pytest.fixture(scope="module")
def cases() -> Cases:
    return drawn_clinic(cases=800, seed=4, missing=BY_CLASS)


@pytest.fixture(scope="module")
def held_out(cases: Cases) -> HeldOut:
    return hold_out(cases.table, replicates=200)


def words(notes: Sequence[str]) -> np.ndarray:
    return np.asarray(TfidfVectorizer().fit_transform(notes).toarray())


# --- the photo ---


def embedding(flag: np.ndarray, *, shift: float, width: int = 20) -> np.ndarray:
    """Noise, moved along one direction for those with the flag by so many standard deviations."""
    noise = np.random.default_rng(5).normal(size=(len(flag), width))
    noise[:, 7] += shift * flag
    return noise


def test_a_flag_in_the_embedding_is_found_within_class(cases: Cases, held_out: HeldOut) -> None:
    flag = flags(held_out.cases, cases.schema)
    rows = probe_flag(embedding(flag, shift=2.0), flag, held_out=held_out)
    judged = rows[(rows["class"] != "") & (rows.note == "")]
    assert judged["class"].tolist() == ["alvita", "corvex", "durelle"]
    every = rows.iloc[0]
    # two normal distributions 2 standard deviations apart have AUROC Φ(2 / √2) = .921; noise costs the probe a little
    assert 0.86 < every.auroc < 0.925
    assert every.low > 0.8
    weights = judged.blank + judged.recorded
    assert every.auroc == pytest.approx(np.average(judged.auroc, weights=weights))
    assert (every.blank, every.recorded) == (judged.blank.sum(), judged.recorded.sum())


def test_what_goes_with_the_class_alone_is_not_found_within_it(cases: Cases, held_out: HeldOut) -> None:
    flag = flags(held_out.cases, cases.schema)
    rate = held_out.cases.target.map(missing_rates(held_out.cases, cases.schema)).to_numpy(dtype=float)
    rows = probe_flag(embedding(rate, shift=50.0), flag, held_out=held_out)
    assert rows.low[0] < 0.5 < rows.high[0]


def test_a_photo_that_is_absent_is_left_out(cases: Cases, held_out: HeldOut) -> None:
    flag = flags(held_out.cases, cases.schema)
    vectors = embedding(flag, shift=2.0)
    vectors[::2] = np.nan
    rows = probe_flag(vectors, flag, held_out=held_out)
    of_class = held_out.is_class("alvita")[1::2]
    alvita = rows[rows["class"] == "alvita"].iloc[0]
    assert (alvita.blank, alvita.recorded) == ((of_class & flag[1::2]).sum(), (of_class & ~flag[1::2]).sum())
    assert alvita.auroc > 0.8


def test_where_no_class_has_enough_of_both_nothing_is_said(held_out: HeldOut) -> None:
    rows = probe_flag(np.zeros((len(held_out.cases), 2)), held_out.is_class("alvita"), held_out=held_out)
    assert set(rows.note) == {"too few to say"}
    assert rows.auroc.isna().all()
    assert len(rows) == 7


def test_other_rows_than_the_cases_are_refused(held_out: HeldOut) -> None:
    with pytest.raises(ValueError, match="a row per labelled case: 3 and 800"):
        probe_flag(np.zeros((3, 2)), np.zeros(3, dtype=bool), held_out=held_out)


# --- the note ---


def test_the_flag_for_each_class_by_hand(cases: Cases, held_out: HeldOut) -> None:
    flag = flags(held_out.cases, cases.schema)
    rows = flag_to_class(flag, cases.schema, held_out=held_out).set_index("against")
    for name in cases.schema.classes:
        own = held_out.is_class(name)
        # of one bit, AUROC is a half and half the difference of its two rates
        assert rows.auroc[name] == pytest.approx(0.5 + (flag[own].mean() - flag[~own].mean()) / 2)


def test_the_three_modes_on_a_clinic_that_records_by_class(cases: Cases, held_out: HeldOut) -> None:
    visible, always, equalized = probe_notes(held_out, cases.schema, embed=words)
    assert [probe.mode for probe in (visible, always, equalized)] == ["visible", "always_recorded", "equalized"]
    recorded = int((~flags(held_out.cases, cases.schema)).sum())

    assert (visible.notes, visible.showing) == (800, recorded)
    assert visible.note_to_flag.auroc[0] > 0.99
    assert visible.flag_to_class.auroc.max() > 0.65

    # alvita's .6 is the highest rate: every class keeps .4 of its histories
    assert equalized.showing == pytest.approx(0.4 * 800, abs=40)
    for row in equalized.flag_to_class.itertuples():
        assert row.low < 0.5 < row.high
        assert row.auroc == pytest.approx(0.5, abs=0.01)

    assert always.fields == ("age", "site")
    assert always.showing == 0
    assert always.flag_to_class.empty
    # blanks depend on the class alone here, so that age and site tell nothing of them within it
    assert always.note_to_flag.low[0] < 0.5 < always.note_to_flag.high[0]


def test_a_mode_that_the_data_do_not_allow_says_why() -> None:
    cases = drawn_clinic(cases=300, seed=6, missing=Missing(at_random=0.3))
    visible, always, equalized = probe_notes(hold_out(cases.table, replicates=20), cases.schema, embed=words)
    assert not visible.refused
    assert (always.refused, always.fields, always.showing) == ("", (), 0), "a note of no field shows nothing"
    assert "fields outside it are empty in training too: age" in equalized.refused
    plain = json.loads(json.dumps([probe.to_json() for probe in (visible, always, equalized)], allow_nan=False))
    assert plain[0]["note_to_flag"][1]["auroc"] is None  # too few
    assert plain[2] | {"refused": ""} == {
        "mode": "equalized", "refused": "", "fields": [], "notes": 0, "showing": 0,
        "note_to_flag": [], "flag_to_class": [],
    }  # fmt: skip


def test_the_real_notes() -> None:
    cases = PadUfes20().load(real_data("pad_ufes_20"))
    held_out = hold_out(cases.table, replicates=200)
    visible, always, equalized = probe_notes(held_out, cases.schema, embed=words)
    assert (visible.showing, always.showing, equalized.showing) == (773, 0, 232)
    assert visible.note_to_flag.auroc[0] > 0.99
    judged = always.note_to_flag
    assert judged[judged.note == ""]["class"].tolist() == ["", "ACK", "NEV", "SEK"]
    # age, site and symptoms alone tell whose history was taken: older patients' naevi, say
    assert judged.low[0] > 0.55
    shortcut = visible.flag_to_class.set_index("against")
    assert shortcut.auroc["malignant"] == pytest.approx((1 - 475 / 716) / 2)
    assert (equalized.flag_to_class.low < 0.5).all()
    assert (equalized.flag_to_class.high > 0.5).all()
    assert equalized.flag_to_class.auroc.to_numpy() == pytest.approx(np.full(8, 0.5), abs=0.005)
    assert isinstance(equalized.flag_to_class, pd.DataFrame)
