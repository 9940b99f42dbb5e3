from __future__ import annotations

import math

import pytest
import torch
from tiny_encoders import HISTORIES, SCHEMA, encode

from mmskin.config.build import build
from mmskin.encoders import METADATA_ENCODERS
from mmskin.encoders.metadata_onehot import MetadataOneHot
from mmskin.errors import ConfigError
from mmskin.schema import History


def test_columns_are_numbers_and_choices_as_published() -> None:
    encoder = MetadataOneHot(SCHEMA)
    assert encoder.columns == [
        "age", "since",
        "region=arm", "region=face", "region=back", "region=unknown",
        "itch=yes", "itch=no", "itch=unknown",
    ]  # fmt: skip
    assert encoder.out_dim == 9
    features = encode(encoder, HISTORIES)
    assert features.tokens is None
    assert features.mask is None
    assert features.pooled.tolist() == [
        [30, 0, 1, 0, 0, 0, 1, 0, 0],
        [50, 99, 0, 1, 0, 0, 0, 0, 1],
        [70, 0, 1, 0, 0, 0, 0, 0, 0],
    ]


def test_nothing_recorded_is_all_zeros() -> None:
    assert encode(MetadataOneHot(SCHEMA), [History()]).pooled.eq(0).all()


def test_numbers_are_raw_after_fit_too_unless_asked_otherwise() -> None:
    raw, scaled = MetadataOneHot(SCHEMA), MetadataOneHot(SCHEMA, standardize=True)
    raw.fit(HISTORIES)
    scaled.fit(HISTORIES)
    assert encode(raw, HISTORIES).pooled[:, 0].tolist() == [30, 50, 70]
    z = math.sqrt(1.5)
    torch.testing.assert_close(encode(scaled, HISTORIES).pooled[:, 0], torch.tensor([-z, 0.0, z]))
    # the third duration is not recorded: 0, the mean
    torch.testing.assert_close(encode(scaled, HISTORIES).pooled[:, 1], torch.tensor([-1.0, 1.0, 0.0]))


def test_it_agrees_with_pandas_dummies() -> None:
    pd = pytest.importorskip("pandas")
    encoder = MetadataOneHot(SCHEMA)
    frame = pd.DataFrame([dict(h.fields) for h in HISTORIES])
    dummies = pd.get_dummies(frame[["region", "itch"]], prefix_sep="=", dtype=float)
    found = pd.DataFrame(encode(encoder, HISTORIES).pooled.numpy(), columns=encoder.columns)
    assert (found[dummies.columns].to_numpy() == dummies.to_numpy()).all()


def test_a_wrong_option_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"'standardise' does not exist\. Did you mean 'standardize'"):
        build("metadata encoder", METADATA_ENCODERS, {"name": "onehot", "standardise": True}, SCHEMA)
