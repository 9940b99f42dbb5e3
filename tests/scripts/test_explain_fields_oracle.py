"""The truth that the values of fields are held against."""

from __future__ import annotations

import explain_fields_oracle as script
import numpy as np
import pytest

from mmskin.schema import History
from mmskin.synthetic import bands_of, default_design, posterior


def test_true_values_add_up_from_the_prior_to_the_posterior_and_give_nothing_to_what_tells_nothing() -> None:
    design = default_design()
    history = History({"age": 70.0, "site": "arm", "itch": None, "bleeding": "yes"})
    values = script.true_values(design, history, 1)
    assert len(values) == 3
    everything = posterior(design, history=bands_of(history.fields)[None])[0, 1]
    assert values.sum() == pytest.approx(everything - design.prior[1], abs=1e-12)
    assert values[1] == 0  # the body site is independent of the disease
    # Two that count: each gets the mean of what it adds first and what it adds last.
    age = posterior(design, history=bands_of({"age": 70.0})[None])[0, 1]
    bled = posterior(design, history=bands_of({"bleeding": "yes"})[None])[0, 1]
    assert values[0] == pytest.approx(((age - design.prior[1]) + (everything - bled)) / 2, abs=1e-12)
    assert np.abs(values[[0, 2]]).min() > 0
