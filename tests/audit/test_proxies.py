"""Planted giveaways are named; strong honest fields, and blanks that fell at random, are not."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from audit.drawn_clinic import drawn_clinic
from real_data import real_data

from mmskin.audit.held_out import hold_out
from mmskin.audit.proxies import DECLARED, PROXY, SHORTCUT, find_proxies, named
from mmskin.data.sources.pad_ufes_20 import PadUfes20
from mmskin.data.table import Cases, make_table
from mmskin.schema import Field, Schema
from mmskin.synthetic.population import Missing

N = 600


def toy(*, wrong: dict[str, float], declared: bool = False) -> Cases:
    """600 patients of three classes, 200 each; bad_1 and bad_2 are malignant.

    Args:
        wrong: yes_no fields that tell malignant, each wrong in this share of every class: their AUROC is 1 − wrong.
        declared: as outcomes.
    """
    target = np.repeat(["bad_1", "bad_2", "good"], N // 3)
    place = np.tile(np.arange(N // 3) / (N // 3), 3)  # of a case within its class
    columns = {
        name: np.where((target != "good") ^ (place < share), "yes", "no").tolist() for name, share in wrong.items()
    }
    schema = Schema(
        name="toy",
        classes=("bad_1", "bad_2", "good"),
        class_groups={"malignant": ("bad_1", "bad_2")},
        fields=() if declared else tuple(Field(name=name, kind="yes_no") for name in wrong),
        outcomes=dict.fromkeys(wrong, "written afterwards") if declared else {},
    )
    ids = [f"c{i:03}" for i in range(N)]
    plain = {
        "case_id": ids,
        "patient_id": ids,
        "lesion_id": ids,
        "images": [(f"{i}.jpg",) for i in ids],
        "target": target.tolist(),
    }
    return Cases(schema, make_table(schema, {**plain, **columns}))


def found(cases: Cases, *, replicates: int = 200) -> pd.DataFrame:
    return named(find_proxies(hold_out(cases.table, replicates=replicates), cases.schema))


# --- values ---


def test_a_value_is_a_proxy_of_malignant_from_85() -> None:
    rows = found(toy(wrong={"honest": 0.16, "strong": 0.14}))
    assert rows[["column", "told", "against", "verdict"]].to_numpy().tolist() == [
        ["strong", "value", "malignant", PROXY]
    ]
    assert rows.auroc[0] == pytest.approx(0.86)


def test_a_value_is_a_proxy_of_a_class_from_95() -> None:
    # without the class group, the field tells "good" from the rest: .94 is spared and .96 is not
    cases = toy(wrong={"honest": 0.06, "strong": 0.04})
    rows = found(cases._replace(schema=cases.schema.model_copy(update={"class_groups": {}})))
    assert rows[["column", "against", "verdict"]].to_numpy().tolist() == [["strong", "good", PROXY]]


def test_a_class_group_of_another_name_has_the_threshold_of_classes() -> None:
    cases = toy(wrong={"honest": 0.06})
    schema = cases.schema.model_copy(update={"class_groups": {"ours": ("bad_1", "bad_2")}})
    assert found(cases._replace(schema=schema)).empty


def test_a_declared_outcome_is_expected_and_an_undeclared_column_is_not() -> None:
    cases = toy(wrong={"biopsy": 0.02}, declared=True)
    assert found(cases)[["column", "role", "verdict"]].to_numpy().tolist() == [["biopsy", "outcome", DECLARED]]
    undeclared = cases._replace(schema=cases.schema.model_copy(update={"outcomes": {}}))
    assert found(undeclared)[["column", "role", "verdict"]].to_numpy().tolist() == [["biopsy", "column", PROXY]]


def test_ids_parts_and_markers_are_no_columns_of_this_table() -> None:
    cases = toy(wrong={})
    held_out = hold_out(cases.table, replicates=50)
    names = ("photo_group", "official_split", "group_fully_recorded", "group_sex", "marker_pen")
    own = held_out._replace(cases=held_out.cases.assign(**dict.fromkeys(names, held_out.cases.target)))
    assert find_proxies(own, cases.schema).empty
    other = held_out._replace(cases=own.cases.assign(written_by=held_out.cases.target))
    assert set(named(find_proxies(other, cases.schema)).column) == {"written_by"}


# --- flags ---


def test_fields_missing_by_class_are_named_with_the_block() -> None:
    cases = drawn_clinic(seed=1, missing=Missing(by_class={"alvita": 0.7, "corvex": 0.5}))
    rows = found(cases)
    block = "optional block, duration, growth, itch, bleeding, pain, previous_cancer"
    assert rows[["column", "told", "against", "verdict"]].to_numpy().tolist() == [
        [block, "recorded", "worrying", SHORTCUT]
    ]
    # worrying classes lack nothing; of alvita .3 in .5 and corvex .2 in .5: .62 are blank, so AUROC is about .81
    assert rows.auroc[0] == pytest.approx(0.81, abs=0.03)


def test_fields_recorded_in_other_rows_stand_by_themselves() -> None:
    cases = toy(wrong={"itch": 0.5, "pain": 0.5, "smoke": 0.5})
    good = (cases.table.target == "good").to_numpy()
    odd = np.arange(N) % 2 == 1
    for name, gone in {"itch": good & odd, "pain": good & odd, "smoke": good}.items():
        cases.table.loc[gone, name] = None
    rows = found(cases)
    assert rows[["column", "told", "verdict"]].to_numpy().tolist() == [
        ["smoke", "recorded", SHORTCUT],
        ["itch, pain", "recorded", SHORTCUT],
    ]
    assert rows.auroc.tolist() == pytest.approx([1.0, 0.75])


def test_free_text_and_photos_that_only_some_classes_have_are_named() -> None:
    cases = toy(wrong={})
    cases.table["text"] = ["sore" if target == "good" else None for target in cases.table.target]
    cases.table["images"] = [
        images if target == "bad_1" else ()
        for images, target in zip(cases.table["images"], cases.table.target, strict=True)
    ]
    rows = found(cases)
    assert sorted(rows.column) == ["images", "text"]
    assert rows.auroc.tolist() == [1.0, 1.0]


def test_an_outcome_that_only_some_classes_have_is_expected() -> None:
    cases = toy(wrong={"thickness": 0.5}, declared=True)
    cases.table.loc[cases.table.target == "good", "thickness"] = None
    assert found(cases)[["told", "verdict"]].to_numpy().tolist() == [["recorded", DECLARED]]


def test_blanks_at_random_are_spared() -> None:
    assert found(drawn_clinic(seed=2, missing=Missing(at_random=0.2, block=0.4))).empty


# --- nothing, and the real data ---


def test_nothing_is_named_where_nothing_was_planted() -> None:
    cases = drawn_clinic(cases=1000, seed=0)
    rows = find_proxies(hold_out(cases.table, replicates=200), cases.schema)
    assert named(rows).empty
    assert rows[rows.column == "age"].auroc.max() > 0.8  # strong and honest: it was seen
    assert "marker_pen" not in set(rows.column)


def test_a_table_of_too_few_is_said_to_be_so() -> None:
    rows = find_proxies(hold_out(drawn_clinic(cases=25).table, replicates=5), drawn_clinic(cases=25).schema)
    assert len(rows)
    assert rows.auroc.isna().all()
    assert named(rows).empty
    assert json.loads(rows.to_json(orient="records"))[0]["auroc"] is None


def test_the_shortcut_of_pad_ufes_20_is_named_and_its_history_is_not() -> None:
    cases = PadUfes20().load(real_data("pad_ufes_20"))
    rows = find_proxies(hold_out(cases.table, replicates=200), cases.schema)
    verdicts = named(rows)
    values = verdicts[verdicts.told == "value"]
    assert values[["column", "against", "verdict"]].to_numpy().tolist() == [["biopsed", "malignant", DECLARED]]
    assert values.auroc.item() == pytest.approx(0.885, abs=0.01)
    recorded = verdicts[verdicts.told == "recorded"]
    assert set(", ".join(recorded.column).split(", ")) == {"optional block", *cases.schema.optional_block}
    assert set(recorded.verdict) == {SHORTCUT}
    block = recorded[recorded.column == "optional block"].iloc[0]
    # Lacking in 475 of 716 benign cases and in no cancer: (1 + 475 / 716) / 2 = .832; the full table has .833.
    assert block.against == "malignant"
    assert block.auroc == pytest.approx((1 + 475 / 716) / 2, abs=0.005)
    assert 0.8 < block.low < block.auroc < block.high < 0.86
    age = rows[(rows.column == "age") & (rows.against == "NEV")]
    assert 0.88 < age.auroc.item() < 0.94
