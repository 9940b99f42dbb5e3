from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli.conftest import Type, is_one_plain_line
from small_experiment import small_experiment

from mmskin.config.yaml_files import write_yaml
from mmskin.teaching.taught import load_taught


@pytest.fixture
def config(pad_folder: Path, tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(write_yaml(small_experiment(pad_folder).to_json()))
    return path


def test_teach_writes_an_encoder_with_its_card_that_reads_notes(mmskin_: Type, config: Path, tmp_path: Path) -> None:
    output = tmp_path / "taught"
    code, told, _ = mmskin_(f"teach {config} encoders.text.taught.steps=2 --output {output}")
    assert code == 0
    assert told.startswith("# hashing, taught the 21 fields of pad_ufes_20")
    card = json.loads((output / "card.json").read_text())
    assert len(card["fields"]) == 21
    assert -1 <= card["retention"] <= 1
    assert (output / "README.md").read_text().strip() == told.strip()
    read = load_taught(output).read_notes(["67F, nodule on the nose, bleeds."])[0]
    assert len(read) == 21
    assert all(0 <= reading.confidence <= 1 for reading in read.values())


def test_teach_writes_over_nothing(mmskin_: Type, config: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("")
    code, _, told = mmskin_(f"teach {config} --output {tmp_path / 'full'}")
    assert code == 2
    assert is_one_plain_line(told)
    assert "is not empty" in told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("encoders.text.taught.stps=3", "encoders.text.taught.stps does not exist (did you mean steps?)"),
        ("encoders.text.taught.steps=0", "encoders.text.taught.steps"),
        ("encoders.text.taught=runs/other", "is taught already"),
        ("encoders.text.name=bert", "does not exist"),
    ],
)
def test_a_fault_is_told_in_one_plain_line(mmskin_: Type, config: Path, tmp_path: Path, words: str, told: str) -> None:
    code, _, said = mmskin_(f"teach {config} {words} --output {tmp_path / 'out'}")
    assert code == 2
    assert is_one_plain_line(said)
    assert told in said


def test_a_config_without_a_text_encoder_has_nothing_to_teach(mmskin_: Type, pad_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(write_yaml(small_experiment(pad_folder, "image", fusion="image_only").to_json()))
    code, _, told = mmskin_(f"teach {path} --output {tmp_path / 'out'}")
    assert code == 2
    assert "has no text encoder to teach; add encoders.text" in told
