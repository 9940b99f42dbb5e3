"""Numbers are read smoothly: between one year of age and the next, or one duration and a longer one, nothing jumps."""

from __future__ import annotations

import numpy as np
import pytest

from mmskin.config.teaching_options import TeachingOptions
from mmskin.encoders.field_reader import Reading
from mmskin.encoders.taught_text import field_reader_of
from mmskin.schema import Field, Schema
from mmskin.teaching.taught import TaughtEncoder, learner
from mmskin.teaching.teach import encode, teach

SCHEMA = Schema(
    name="ages",
    classes=("a", "b"),
    fields=(
        Field(name="age", kind="numeric", unit="years", low=0, high=100),
        Field(name="itch", kind="yes_no"),
        Field(name="since", kind="duration"),
    ),
)
AGES = list(range(55, 66))
DURATIONS = ("2 weeks", "1 month", "3 months", "half a year", "1 year", "18 months", "3 years", "10 years")
DAYS = (14, 30.44, 91.3, 182.6, 365.25, 547.9, 1095.75, 3652.5)


@pytest.fixture(scope="module")
def taught() -> TaughtEncoder:
    options = TeachingOptions(steps=400)
    encoder = learner({"name": "hashing", "dim": 64}, options)
    teach(encoder, SCHEMA, options)
    return TaughtEncoder(encoder, SCHEMA.fields)


def numbers(readings: list[dict[str, Reading]], field: str) -> list[float]:
    values = [reading[field].value for reading in readings]
    assert all(isinstance(value, float) for value in values), values
    return [float(value or 0) for value in values]


def test_from_55_to_65_years_the_age_that_is_read_rises_without_a_jump(taught: TaughtEncoder) -> None:
    for text in ("I am {} and it itches.", "Age: {} years. It does not itch.", "{}F, itchy."):
        read = numbers(taught.read_notes([text.format(age) for age in AGES]), "age")
        steps = np.diff(read)
        assert steps.max() < 4, read
        assert steps.min() > -1, read
        assert 6 < read[-1] - read[0] < 16, read
        assert np.abs(np.array(read) - AGES).max() < 5, read


def test_the_pooled_vector_too_moves_by_little_from_one_year_to_the_next(taught: TaughtEncoder) -> None:
    """What a fusion reads: a year moves it by less than half of what another answer to one question does."""
    reader = field_reader_of(taught.encoder)
    notes = [f"I am {age} and it {itches}." for age in AGES for itches in ("itches", "does not itch")]
    pooled = (encode(taught.encoder, notes).pooled.detach() - reader.center) / reader.spread
    of_a_year = (pooled[2::2] - pooled[:-2:2]).norm(dim=1)
    of_an_answer = (pooled[::2] - pooled[1::2]).norm(dim=1)
    assert of_a_year.max() < 0.5 * of_an_answer.min()


def test_durations_in_mixed_units_are_read_in_order(taught: TaughtEncoder) -> None:
    read = numbers(taught.read_notes([f"It has been there for {said}." for said in DURATIONS]), "since")
    assert read == sorted(read)
    assert np.abs(np.log(read) - np.log(DAYS)).max() < 0.5, read
