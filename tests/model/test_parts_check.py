from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mmskin.config.experiment import parse_experiment
from mmskin.config.parts import Parts
from mmskin.errors import ConfigError
from mmskin.fusion.fusion_contract import Fusion
from mmskin.model import parts_check
from mmskin.model.parts_check import check_experiment

IMAGE = {"name": "timm", "model": "test_resnet"}
TEXT = {"name": "hashing", "dim": 16}


def raw(root: Path, **changes: Any) -> dict[str, Any]:
    data = {"source": {"name": "pad_ufes_20"}, "root": str(root)}
    encoders = {"image": IMAGE, "text": TEXT}
    return {"name": "try", "data": data, "encoders": encoders, "fusion": {"name": "late"}} | changes


def test_parts_that_fit_are_let_through(tmp_path: Path) -> None:
    for fusion in ({"name": "late", "joint": True}, {"name": "cross_attention"}, {"name": "film", "depth": 2}):
        check_experiment(parse_experiment(raw(tmp_path, fusion=fusion)))


ENCODERS = {"image": IMAGE, "text": TEXT}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"fusion": {"name": "lat"}}, r"fusion\.name: fusion 'lat' does not exist\. Did you mean 'late'\?"),
        (
            {"fusion": {"name": "late", "hidden": 3}},
            r"fusion\.hidden does not exist \(did you mean fusion\.hidden_dim\?\)",
        ),
        ({"fusion": {"name": "late", "joint": "no"}}, r"fusion\.joint must be true or false, however: 'no'"),
        ({"loss": {"name": "focal", "gamma": "2"}}, r"loss\.gamma must be a number, however: '2'"),
        ({"loss": {"name": "class_balanced_focal", "form": "sigmod"}}, r"loss\.form must be 'softmax' or 'sigmoid'"),
        (
            {"encoders": ENCODERS | {"text": {"name": "hash"}}},
            r"encoders\.text\.name: text encoder 'hash' does not exist",
        ),
        (
            {"encoders": ENCODERS | {"image": IMAGE | {"trainable": "some"}}},
            r"encoders\.image\.trainable must be 'all' or 'none' or a whole number, however: 'some'",
        ),
        (
            {"fusion": {"name": "cross_attention"}, "encoders": {"image": IMAGE}},
            r"fusion 'cross_attention': at least 2",
        ),
        ({"fusion": {"name": "text_only"}, "encoders": {"image": IMAGE}}, "'text' has no encoder"),
        ({"fusion": {"name": "text_only"}}, r"encoders\.image: the fusion 'text_only' does not use it; leave it out"),
        (
            {
                "fusion": {"name": "cross_attention"},
                "encoders": {"clinical": IMAGE, "metadata": {"name": "onehot"}},
            },
            r"fusion 'cross_attention' reads tokens of metadata, and its encoder 'onehot' gives none: .*\(tokens\)",
        ),
        (
            {"fusion": {"name": "image_only"}, "encoders": {"clinical": IMAGE, "dermoscopic": IMAGE}},
            "clinical, dermoscopic have an encoder each: name one kind of photo as modality, or take concat",
        ),
    ],
)
def test_what_can_be_seen_to_fail_is_refused(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        check_experiment(parse_experiment(raw(tmp_path, **changes)))


def test_all_faults_are_told_at_once_the_folder_and_the_source_among_them(tmp_path: Path) -> None:
    data = {"source": {"name": "pad_ufes_20", "image": 3}, "root": str(tmp_path / "nothing")}
    with pytest.raises(ConfigError) as caught:
        check_experiment(parse_experiment(raw(tmp_path, data=data, loss={"name": "focl"})))
    told = str(caught.value)
    assert "data.source.image does not exist (did you mean data.source.images?)" in told
    assert f"data.root: no such folder: {tmp_path / 'nothing'}" in told
    assert "Did you mean 'focal'" in told
    assert "\n" not in told


def test_of_joined_data_sets_each_folder_is_looked_for(tmp_path: Path) -> None:
    sources = {
        "here": {"name": "ddi", "root": str(tmp_path)},
        "there": {"name": "ddi", "root": "absent"},
    }
    data = {"source": {"name": "joined", "classes": "map.yaml", "sources": sources}, "root": str(tmp_path)}
    with pytest.raises(ConfigError) as caught:
        check_experiment(parse_experiment(raw(tmp_path, data=data)))
    assert str(caught.value) == f"data.root: no such folder: {tmp_path / 'absent'}"


def test_an_option_that_must_be_given_is_missed(tmp_path: Path) -> None:
    data = {"source": {"name": "csv"}, "root": str(tmp_path)}
    with pytest.raises(ConfigError, match=r"data\.source\.target is missing"):
        check_experiment(parse_experiment(raw(tmp_path, data=data)))


class Mine(Fusion):
    """A fusion of somebody else."""

    takes = "photos_and_history"
    reads_tokens = "all"

    def __init__(self, dims: dict[str, int], num_classes: int, *, width: int = 8) -> None:
        super().__init__(num_classes)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"fusion": {"name": "mine", "witdh": 3}}, r"fusion\.witdh does not exist \(did you mean fusion\.width\?\)"),
        ({"fusion": {"name": "mine", "width": "3"}}, r"fusion\.width must be a whole number, however: '3'"),
        ({"encoders": {"text": TEXT}}, "fusion 'mine': at least 2 modalities are needed"),
        (
            {"encoders": {"image": IMAGE, "metadata": {"name": "onehot"}}},
            "fusion 'mine' reads tokens of metadata, and its encoder 'onehot' gives none",
        ),
    ],
)
def test_a_part_that_was_added_is_checked_as_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], told: str
) -> None:
    fusions: Parts[Fusion] = Parts("fusion", {})
    fusions.add("mine", Mine)
    monkeypatch.setattr(parts_check, "FUSIONS", fusions)
    check_experiment(parse_experiment(raw(tmp_path, fusion={"name": "mine", "width": 3})))
    with pytest.raises(ConfigError, match=told):
        check_experiment(parse_experiment(raw(tmp_path, fusion={"name": "mine"}) | changes))
