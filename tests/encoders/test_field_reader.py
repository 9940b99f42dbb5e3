from __future__ import annotations

import math

import pytest
import torch

from mmskin.encoders.field_reader import (
    GRID,
    FieldReader,
    declared_range,
    outputs_of,
    plain_fields,
    reader_of,
    scale_of,
)
from mmskin.features import Features
from mmskin.schema import Field, History

AGE = Field(name="age", kind="numeric", unit="years", low=0, high=100)
SINCE = Field(name="since", kind="duration")
ITCH = Field(name="itch", kind="yes_no")
SITE = Field(name="site", kind="categorical", choices=("arm", "face"), phrases={"value": ("On the {value}.",)})
FIELDS = (AGE, SINCE, ITCH, SITE)


def features(batch: int = 2, tokens: int = 3, dim: int = 4) -> Features:
    generator = torch.Generator().manual_seed(0)
    pooled = torch.randn(batch, dim, generator=generator)
    words = torch.randn(batch, tokens, dim, generator=generator)
    return Features(pooled, words, torch.ones(batch, tokens, dtype=torch.bool))


def test_scales_come_from_the_declared_range_alone() -> None:
    """Uniform on [0, 100]: mean 50, deviation 100 / √12; days by their logarithm, from 1 day to 60 years."""
    age = scale_of(AGE)
    assert (age.mean, age.deviation) == pytest.approx((50.0, 28.8675), abs=1e-4)
    since = scale_of(SINCE)
    assert since.mean == pytest.approx(math.log(60 * 365.25) / 2)
    assert since.standardised(7.0) == pytest.approx((math.log(7) - since.mean) / since.deviation)
    assert since.standardised(0.0) == since.standardised(1.0)  # less than a day counts as one
    for scale, value in ((age, 67.0), (since, 365.25)):
        assert scale.value(scale.standardised(value)) == pytest.approx(value)


def test_a_range_that_is_not_declared_is_what_the_unit_makes_likely() -> None:
    assert declared_range(Field(name="age", kind="numeric", unit="years")) == (0, 100)
    assert declared_range(Field(name="size", kind="numeric", unit="mm")) == (0, 50)
    assert declared_range(Field(name="year", kind="numeric", low=1900)) == (1900, 2000)


def test_outputs_are_not_recorded_unknown_and_the_choices() -> None:
    assert outputs_of(ITCH) == ("", "unknown", "yes", "no")
    assert outputs_of(SITE) == ("", "unknown", "arm", "face")
    assert len(outputs_of(AGE)) == 3


def test_the_loss_of_a_reader_that_knows_nothing_is_the_logarithm_of_the_choices() -> None:
    """All outputs 0: ln 4 for yes or no, ln 2 for whether a number is there; of its value 10 z² in the linear reading,
    which weighs twice, and the logarithm of the places of the grid in the finer one, whatever the target."""
    reader = FieldReader(4, (ITCH, AGE))
    for parameter in reader.parameters():
        torch.nn.init.zeros_(parameter)
    z = (67 - 50) / (100 / math.sqrt(12))
    loss = reader.loss(features(1), [History({"itch": "no", "age": 67.0})])
    linear = (math.log(4) + math.log(2) + 10 * z**2) / 2
    finer = (math.log(4) + math.log(2) + math.log(GRID)) / 2
    assert loss.item() == pytest.approx((2 * linear + finer) / 3, rel=1e-5)
    unstated = reader.loss(features(1), [History({})])
    assert unstated.item() == pytest.approx((math.log(4) + math.log(2)) / 2, rel=1e-5)


def test_a_finer_number_is_the_mean_of_the_grid_under_its_probabilities() -> None:
    """All places alike: the middle of the range; nearly all on the last place: its end, √3 deviations above."""
    reader = FieldReader(4, (AGE,))
    for parameter in reader.parameters():
        torch.nn.init.zeros_(parameter)
    head = reader.attended[0]
    assert isinstance(head, torch.nn.Sequential)
    with torch.no_grad():
        head[2].bias[1] = 9.0  # recorded
        assert reader.read(features(1))[0]["age"].value == pytest.approx(50.0, abs=1e-4)
        head[2].bias[-1] = 99.0
        assert reader.read(features(1))[0]["age"].value == pytest.approx(100.0, abs=1e-4)


def test_a_reading_is_the_likeliest_output_with_its_probability() -> None:
    reader = FieldReader(4, FIELDS)
    for parameter in reader.parameters():
        torch.nn.init.zeros_(parameter)
    with torch.no_grad():  # outputs are the biases: age recorded at z = 0, since not, itch "no", site "unknown"
        reader.linear.bias.copy_(torch.tensor([0.0, 2.0, 0.0, 3.0, 0.0, 9.0, 0.0, 0.0, 0.0, 1.0, 0.0, 5.0, 0.0, 0.0]))
    read = reader.read(Features(torch.zeros(1, 4)))[0]
    assert {name: reading.value for name, reading in read.items()} == {
        "age": pytest.approx(50.0),
        "since": None,
        "itch": "no",
        "site": "unknown",
    }
    assert read["age"].confidence == pytest.approx(1 / (1 + math.exp(-2)))
    assert read["itch"].confidence == pytest.approx(math.e / (3 + math.e))


def test_a_number_is_read_within_its_declared_range() -> None:
    reader = FieldReader(4, (AGE,))
    for parameter in reader.parameters():
        torch.nn.init.zeros_(parameter)
    with torch.no_grad():
        reader.linear.bias.copy_(torch.tensor([0.0, 9.0, 7.0]))
    assert reader.read(Features(torch.zeros(1, 4)))[0]["age"].value == 100


def test_padding_changes_no_reading() -> None:
    reader = FieldReader(4, FIELDS)
    short = features()
    assert short.tokens is not None
    assert short.mask is not None
    padded = Features(
        short.pooled,
        torch.cat([short.tokens, torch.full((2, 2, 4), 1e3)], dim=1),
        torch.cat([short.mask, torch.zeros(2, 2, dtype=torch.bool)], dim=1),
    )
    for one, other in zip(reader(short), reader(padded), strict=True):
        assert torch.allclose(one, other, atol=1e-6)


def test_the_linear_reading_is_linear_in_the_pooled_vector() -> None:
    reader = FieldReader(4, FIELDS)
    reader.standardise(torch.randn(50, 4, generator=torch.Generator().manual_seed(1)) * 3 + 5)
    one, other = torch.randn(2, 1, 4, generator=torch.Generator().manual_seed(2))
    middle = torch.cat(reader.linear_outputs((one + other) / 2), dim=1)
    mean = (torch.cat(reader.linear_outputs(one), 1) + torch.cat(reader.linear_outputs(other), 1)) / 2
    assert torch.allclose(middle, mean, atol=1e-5)


def test_gradients_of_the_loss_reach_every_parameter() -> None:
    reader = FieldReader(4, FIELDS)
    loss = reader.loss(features(), [History({"age": 30.0, "since": 9.0, "itch": "yes", "site": "arm"}), History({})])
    loss.backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in reader.parameters())


def test_plain_fields_build_the_same_reader_without_wordings() -> None:
    fields = plain_fields(FIELDS)
    assert all(not field["phrases"] for field in fields)
    again = reader_of(4, fields)
    assert again.widths == FieldReader(4, FIELDS).widths
    again.load_state_dict(FieldReader(4, FIELDS).state_dict())
