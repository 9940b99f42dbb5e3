from __future__ import annotations

import json
import math
import pickle

import pytest
import torch
from tiny_encoders import HISTORIES, SCHEMA

from mmskin.encoders.metadata_fields import FieldRows, PrepareFields
from mmskin.errors import ConfigError, DataError, ModelError
from mmskin.schema import Field, History, Schema

PREPARE = PrepareFields(SCHEMA.fields)


def inputs(*histories: History) -> dict[str, torch.Tensor]:
    prepared = [PREPARE(history) for history in histories]
    return {key: torch.stack([p[key] for p in prepared]) for key in prepared[0]}


def test_codes_tell_absent_number_and_choice_apart() -> None:
    # age, since, region (arm face back unknown), itch (yes no unknown)
    assert PREPARE(HISTORIES[1])["codes"].tolist() == [1, 1, 2, 3]
    assert PREPARE(HISTORIES[1])["values"].tolist() == [50.0, 99.0, 0.0, 0.0]
    assert PREPARE(HISTORIES[2])["codes"].tolist() == [1, 0, 1, 0]
    assert PREPARE(History())["codes"].tolist() == [0, 0, 0, 0]


def test_zero_is_a_number_and_not_absence() -> None:
    zero, nothing = PREPARE(History({"since": 0.0})), PREPARE(History({"since": None}))
    assert zero["codes"][1] == 1
    assert nothing["codes"][1] == 0


def test_fields_outside_the_schema_are_not_read() -> None:
    assert torch.equal(PREPARE(History({"age": 3.0, "other": "x"}))["codes"], PREPARE(History({"age": 3.0}))["codes"])


@pytest.mark.parametrize(
    ("history", "message"),
    [
        (History({"region": "arms"}), r"region value 'arms' does not exist\. Did you mean 'arm'"),
        (History({"itch": "maybe"}), r"one of: no, unknown, yes"),
        (History({"age": "old"}), r"age='old' must be a finite number"),
        (History({"age": math.nan}), r"age=nan must be a finite number, or None"),
    ],
)
def test_inadmissible_values_are_refused(history: History, message: str) -> None:
    with pytest.raises(DataError, match=message):
        PREPARE(history)


def test_statistics_are_those_of_the_recorded_values() -> None:
    rows = FieldRows(SCHEMA)
    seen = rows.fit(HISTORIES)
    state = rows.state_json()
    # ages 30 50 70; durations 0 and 99 days, log1p 0 and log 100; population deviation
    assert state["mean"]["age"] == pytest.approx(50.0)
    assert state["scale"]["age"] == pytest.approx(math.sqrt(800 / 3))
    assert state["mean"]["since"] == pytest.approx(math.log(100) / 2)
    assert state["scale"]["since"] == pytest.approx(math.log(100) / 2)
    unseen = [name for name, was in zip(rows.row_names, seen.tolist(), strict=True) if not was]
    assert unseen == ["age=not recorded", "region=not recorded", "region=back", "region=unknown", "itch=no"]


def test_factors_are_scores_of_recorded_numbers_and_one_elsewhere() -> None:
    rows = FieldRows(SCHEMA)
    rows.fit(HISTORIES)
    at, factors = rows(inputs(*HISTORIES))
    assert at.tolist() == [[1, 3, 5, 10], [1, 3, 6, 12], [1, 2, 5, 9]]
    z = math.sqrt(1.5)
    torch.testing.assert_close(factors, torch.tensor([[-z, -1.0, 1.0, 1.0], [0.0, 1.0, 1.0, 1.0], [z, 1.0, 1.0, 1.0]]))


def test_constant_and_never_recorded_numbers_have_finite_scores() -> None:
    rows = FieldRows(SCHEMA)
    rows.fit([History({"age": 40.0})] * 3)
    _, factors = rows(inputs(History({"age": 41.0, "since": 5.0})))
    assert rows.state_json()["scale"]["age"] == 1.0
    torch.testing.assert_close(factors[0, :2], torch.tensor([1.0, math.log(6.0)]))


def test_the_declared_range_stands_in_before_fit() -> None:
    _, factors = FieldRows(SCHEMA)(inputs(History({"age": 60.0}), History({"age": 120.0})))
    # uniform on [0, 120]: mean 60, deviation 120 / sqrt(12)
    torch.testing.assert_close(factors[:, 0], torch.tensor([0.0, math.sqrt(3.0)]))


def test_statistics_survive_json_and_the_state_dict() -> None:
    fitted, by_json, by_tensors = FieldRows(SCHEMA), FieldRows(SCHEMA), FieldRows(SCHEMA)
    fitted.fit(HISTORIES)
    by_json.load_state_json(json.loads(json.dumps(fitted.state_json())))
    by_tensors.load_state_dict(fitted.state_dict())
    batch = inputs(*HISTORIES)
    for other in (by_json, by_tensors):
        assert torch.equal(other(batch)[1], fitted(batch)[1])


def test_statistics_of_other_fields_are_refused() -> None:
    rows = FieldRows(SCHEMA)
    with pytest.raises(ModelError, match=r"of the fields \['age'\], however the schema has \['age', 'since'\]"):
        rows.load_state_json({"mean": {"age": 1.0}, "scale": {"age": 1.0}})


def test_no_fields_and_no_histories_are_refused() -> None:
    with pytest.raises(ConfigError, match="bare declares no fields"):
        FieldRows(Schema(name="bare", classes=("a", "b")))
    with pytest.raises(DataError, match="cannot be fitted on no histories"):
        FieldRows(SCHEMA).fit([])


def test_prepare_is_picklable() -> None:
    again = pickle.loads(pickle.dumps(PREPARE))
    assert again == PREPARE
    assert torch.equal(again(HISTORIES[0])["values"], PREPARE(HISTORIES[0])["values"])


def test_a_duration_is_a_logarithm_in_the_declared_range_too() -> None:
    schema = Schema(
        name="d", classes=("a", "b"), fields=(Field(name="since", kind="duration", low=0, high=math.e**2 - 1),)
    )
    rows = FieldRows(schema)
    assert rows.state_json()["mean"]["since"] == pytest.approx(1.0)
