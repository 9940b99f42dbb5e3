from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mmskin.data.missing_parts import (
    MECHANISMS,
    Scenario,
    alter,
    at_random,
    keep_parts,
    not_at_random,
    parts_of,
    recorded,
    scenarios,
)
from mmskin.data.missingness import hide_fields
from mmskin.data.seeds import view_seed
from mmskin.data.table import histories, make_table
from mmskin.schema import Field, Schema

SCHEMA = Schema(
    name="toy",
    classes=("bad", "good"),
    fields=(
        Field(name="itch", kind="yes_no"),
        Field(name="age", kind="numeric"),
        Field(name="site", kind="categorical", choices=("no", "arm")),
        Field(name="smoke", kind="yes_no"),
    ),
    optional_block=("smoke",),
)
RATES = [0.1, 0.3, 0.5, 0.7, 0.9]


def four_cases(**changed: Any) -> pd.DataFrame:
    """Patients p, p, q, r."""
    values = {
        "case_id": ["c0", "c1", "c2", "c3"],
        "patient_id": ["p", "p", "q", "r"],
        "lesion_id": ["l0", "l1", "l2", "l3"],
        "images": [("a.png",), (), ("c.png", "d.png"), ("e.png",)],
        "target": ["bad", "good", "good", "bad"],
        "text": ["it scabs", None, None, "it grew"],
        "itch": ["yes", "no", "no", None],
        "age": [50.0, 61.0, None, 18.0],
        "site": ["no", "no", "arm", "arm"],
        "smoke": ["unknown", "no", None, None],
    }
    return make_table(SCHEMA, values | changed)


def many(size: int = 200, *, seed: int = 0) -> pd.DataFrame:
    """Two cases a patient; a tenth of every field is blank."""
    rng = np.random.default_rng(seed)

    def drawn(*choices: Any) -> list[Any]:
        return [None if rng.random() < 0.1 else choices[rng.integers(len(choices))] for _ in range(size)]

    ids = [f"c{i:03}" for i in range(size)]
    values = {"case_id": ids, "patient_id": [f"p{i // 2:03}" for i in range(size)], "lesion_id": ids}
    values |= {"images": [("a.png",)] * size, "target": ["bad"] * size}
    fields = {"itch": drawn("yes", "no"), "age": drawn(*map(float, range(90))), "site": drawn("no", "arm")}
    return make_table(SCHEMA, values | fields | {"smoke": drawn("yes", "no", "unknown")})


def told(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [history.recorded() for history in histories(table, SCHEMA)]


# --- parts ---


def test_parts_are_what_any_case_has() -> None:
    assert parts_of(four_cases(), SCHEMA) == ("photo", "fields", "words")
    assert parts_of(four_cases(text=[None] * 4, images=[()] * 4), SCHEMA) == ("fields",)
    assert parts_of(four_cases(), SCHEMA.with_fields([])) == ("photo", "words")


def test_every_set_of_parts_and_every_rate_stands_once() -> None:
    two = scenarios(("photo", "fields"), [0.5])
    assert [(s.name, s.rate) for s in two] == [
        ("complete", 0),
        ("photo", 1),
        ("fields", 1),
        ("exchanged_photo", 1),
        ("exchanged_fields", 1),
        ("at_random", 0.5),
        ("in_blocks", 0.5),
        ("not_at_random", 0.5),
    ]
    three = [s.name for s in scenarios(("photo", "fields", "words"), [])]
    left = ["photo", "fields", "words", "photo+fields", "photo+words", "fields+words"]
    assert three == ["complete", *left, "exchanged_photo", "exchanged_fields", "exchanged_words"]
    assert [s.name for s in scenarios(("photo",), RATES)] == ["complete"]  # of no fields none can be hidden


def test_only_the_named_parts_are_left() -> None:
    photo = alter(four_cases(), SCHEMA, Scenario("photo", 1), seed=0)
    assert told(photo) == [{}] * 4
    assert photo.text.tolist() == [None] * 4
    assert photo.images.equals(four_cases().images)
    history = alter(four_cases(), SCHEMA, Scenario("fields+words", 1), seed=0)
    assert history.images.tolist() == history.image_kinds.tolist() == [()] * 4
    assert told(history) == told(four_cases())
    assert history.text.equals(four_cases().text)
    words = keep_parts(four_cases(), SCHEMA, ["words"])
    assert (told(words), words.images.tolist(), words.text[0]) == ([{}] * 4, [()] * 4, "it scabs")


@pytest.mark.parametrize("part", ["photo", "fields", "words"])
def test_an_exchanged_part_is_another_patients_and_the_others_stay(part: str) -> None:
    rows = many().assign(text=[f"words of {i}" for i in range(200)], images=[(f"{i}.png",) for i in range(200)])
    altered = alter(rows, SCHEMA, Scenario(f"exchanged_{part}", 1), seed=0)
    columns = {"photo": ["images"], "fields": list(SCHEMA.field_names), "words": ["text"]}
    for name, of_part in columns.items():
        assert altered[of_part].equals(rows[of_part]) == (name != part)
        one, other = ([tuple(map(str, cells)) for cells in t[of_part].to_numpy()] for t in (rows, altered))
        assert sorted(one) == sorted(other), "every cell is told once"
    if part != "fields":
        owner = dict(zip(rows[columns[part][0]], rows.patient_id, strict=True))
        assert not any(owner[cell] == p for cell, p in zip(altered[columns[part][0]], altered.patient_id, strict=True))


def test_one_kind_of_photo_is_exchanged_and_the_other_stays() -> None:
    schema = SCHEMA.model_copy(update={"photos": ("clinical", "dermoscopic")})
    photos = [(f"c{i}.png", f"d{i}.png") for i in range(200)]
    rows = many().assign(images=photos, image_kinds=[("clinical", "dermoscopic")] * 200)
    altered = alter(rows, schema, Scenario("exchanged_clinical_photo", 1), seed=0)
    assert [d for _, d in altered.images] == [d for _, d in photos]
    assert not any(new == old for (new, _), (old, _) in zip(altered.images, photos, strict=True))
    assert set(altered.image_kinds) == {("clinical", "dermoscopic")}


def test_every_kind_of_photo_is_a_part_by_itself() -> None:
    schema = SCHEMA.model_copy(update={"photos": ("clinical", "dermoscopic")})
    kinds = [("dermoscopic",), (), ("clinical", "dermoscopic"), ("clinical",)]
    rows = four_cases().assign(image_kinds=kinds)
    assert parts_of(rows, schema) == ("clinical_photo", "dermoscopic_photo", "fields", "words")
    assert parts_of(rows[:2], schema) == ("dermoscopic_photo", "fields", "words")
    assert len(scenarios(parts_of(rows, schema), [])) == 1 + 14 + 4
    clinical = alter(rows, schema, Scenario("clinical_photo+words", 1), seed=0)
    assert clinical.images.tolist() == [(), (), ("c.png",), ("e.png",)]
    assert clinical.image_kinds.tolist() == [(), (), ("clinical",), ("clinical",)]
    assert told(clinical) == [{}] * 4
    assert clinical.text.equals(rows.text)
    both = keep_parts(rows, schema, ["clinical_photo", "dermoscopic_photo"])
    assert both[["images", "image_kinds"]].equals(rows[["images", "image_kinds"]])
    assert keep_parts(rows, schema, ["fields"]).images.tolist() == [()] * 4


# --- mechanisms, by hand ---


def test_at_random_is_field_dropout_of_each_case_by_itself() -> None:
    hidden = alter(four_cases(), SCHEMA, Scenario("at_random", 0.5), seed=3)
    expected = [
        hide_fields(history, rate=0.5, rng=np.random.default_rng(view_seed(case_id, "missing", 3))).recorded()
        for case_id, history in zip(four_cases().case_id, histories(four_cases(), SCHEMA), strict=True)
    ]
    assert told(hidden) == expected
    assert 0 < sum(map(len, expected)) < sum(map(len, told(four_cases())))


@pytest.mark.parametrize(("rate", "patients"), [(0.2, 1), (0.4, 1), (0.5, 2), (0.9, 3)])
def test_in_blocks_a_patient_loses_the_whole_block(rate: float, patients: int) -> None:
    # three patients have something in the main block: round(.2*3)=1, round(.4*3)=1, round(1.5)=2, round(2.7)=3
    hidden = alter(four_cases(), SCHEMA, Scenario("in_blocks", rate), seed=0)
    main = ["itch", "age", "site"]
    before, after = (table[main].notna().sum(axis=1) for table in (four_cases(), hidden))
    assert all(now in (0, was) for now, was in zip(after, before, strict=True))
    assert (after[0] == 0) == (after[1] == 0)  # of one patient
    gone = {patient for patient, now in zip(hidden.patient_id, after, strict=True) if now == 0}
    assert len(gone) == patients
    # one patient has something in the optional block: round(.2), round(.4) and round(.5) are 0, round(.9) is 1
    assert hidden.smoke.notna().sum() == (0 if rate == 0.9 else 2)


def test_not_at_random_noes_go_first_and_then_the_others() -> None:
    # itch holds yes, no, no: round(.3*3)=1 and round(.7*3)=2 noes, round(.9*3)=3 all
    for rate, left in ((0.3, ["no", "yes"]), (0.7, ["yes"]), (0.9, [])):
        hidden = alter(four_cases(), SCHEMA, Scenario("not_at_random", rate), seed=1)
        assert sorted(hidden.itch.dropna()) == left
    half = alter(four_cases(), SCHEMA, Scenario("not_at_random", 0.5), seed=1)
    assert half.smoke.dropna().tolist() == ["unknown"]  # of "unknown" and "no" one goes
    assert half.site.notna().sum() == half.age.notna().sum() + 1 == 2  # round(4/2) of 4, round(3/2) of 3 go


def test_of_a_choice_named_no_the_noes_do_not_go_first() -> None:
    rows = many()
    hidden = not_at_random(rows, SCHEMA, 0.3, 0)[:, 2]
    share = (rows.site == "no")[hidden].mean()
    assert 0.3 < share < 0.7
    assert (rows.itch == "no")[not_at_random(rows, SCHEMA, 0.3, 0)[:, 0]].all()


# --- properties ---


def test_shares_are_as_asked_for() -> None:
    rows = many()
    there = recorded(rows, SCHEMA)
    for rate in RATES:
        gone = not_at_random(rows, SCHEMA, rate, 0)
        assert gone.sum(axis=0).tolist() == [round(rate * n) for n in there.sum(axis=0)]
        # 720 recorded values: the standard deviation of the share is at most sqrt(.25/720) = .019; four of them
        assert at_random(rows, SCHEMA, rate, 0)[there].mean() == pytest.approx(rate, abs=0.075)
        hidden = alter(rows, SCHEMA, Scenario("in_blocks", rate), seed=0)
        for block in (["smoke"], ["itch", "age", "site"]):
            before, after = (table[table[block].notna().any(axis=1)].patient_id for table in (rows, hidden))
            assert before.nunique() - after.nunique() == round(rate * before.nunique())


@pytest.mark.parametrize("name", MECHANISMS)
def test_what_a_lower_rate_hides_a_higher_one_hides_too(name: str) -> None:
    masks = [MECHANISMS[name](many(), SCHEMA, rate, 0) for rate in RATES]
    for lower, higher in pairwise(masks):
        assert not (lower & ~higher).any()
        assert (higher & ~lower).any()


@pytest.mark.parametrize("name", MECHANISMS)
def test_draws_depend_on_seed_and_ids_and_not_on_the_order_of_rows_or_fields(name: str) -> None:
    rows, scenario = many(), Scenario(name, 0.5)
    hidden = alter(rows, SCHEMA, scenario, seed=0)
    assert alter(rows, SCHEMA, scenario, seed=0).equals(hidden)
    assert told(alter(rows, SCHEMA, scenario, seed=1)) != told(hidden)
    shuffled = rows.sample(frac=1, random_state=0)
    assert alter(shuffled, SCHEMA, scenario, seed=0).sort_index().equals(hidden)
    turned = SCHEMA.model_copy(update={"fields": SCHEMA.fields[::-1]})
    assert alter(rows, turned, scenario, seed=0).equals(hidden)


@pytest.mark.parametrize("scenario", scenarios(("photo", "fields", "words"), [0.5]), ids=lambda s: s.name)
def test_nothing_else_is_changed_and_the_table_given_stays_as_it_was(scenario: Scenario) -> None:
    rows = four_cases().assign(group_fully_recorded="yes", sex=["f", "f", "m", None])
    rows.index = pd.Index([7, 3, 5, 1])
    before = rows.copy(deep=True)
    altered = alter(rows, SCHEMA, scenario, seed=0)
    assert rows.equals(before)
    same = ["case_id", "patient_id", "lesion_id", "target", "group_fully_recorded", "sex"]
    assert altered[same].equals(rows[same])
    assert altered.columns.equals(rows.columns)
    assert altered.dtypes.equals(rows.dtypes)
    if scenario.name == "exchanged_fields":
        return
    left = recorded(altered, SCHEMA)
    names = list(SCHEMA.field_names)
    assert (altered[names].to_numpy()[left] == rows[names].to_numpy()[left]).all()
    if scenario.name in MECHANISMS:
        assert altered[["images", "text"]].equals(rows[["images", "text"]])
        assert not left.all()


def test_fields_that_the_model_may_not_see_stay_as_they_are() -> None:
    hidden = alter(many(), SCHEMA.with_fields(["age"]), Scenario("not_at_random", 0.9), seed=0)
    assert hidden[["itch", "site", "smoke"]].equals(many()[["itch", "site", "smoke"]])
    assert hidden.age.notna().sum() < many().age.notna().sum()
