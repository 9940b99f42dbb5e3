"""Peers are given mmskin's own folds, fields and CNN, and are evaluated as mmskin is."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import peers as script
import pytest
import timm
import torch
from small_experiment import small_experiment

from mmskin.data.load import folds_of, load_cases
from mmskin.encoders.timm_image import TimmImageEncoder
from mmskin.report.numbers import NOTHING


@pytest.fixture
def folder(pad_folder: Path, tmp_path: Path) -> Path:
    script.prepare(tmp_path / "peers", small_experiment(pad_folder, "image", "metadata"))
    return tmp_path / "peers"


def test_a_fold_is_the_one_that_mmskin_tests(folder: Path, pad_folder: Path) -> None:
    data = small_experiment(pad_folder, "image", "metadata").data
    cases = load_cases(data)
    folds = folds_of(data, cases)
    held = {"test": [0], "val": [1], "train": [2]}
    for part, numbers in held.items():
        table = script.read_part(folder, 0, part)
        assert set(table.case_id) == set(folds.index[folds.isin(numbers)])
        assert all(Path(path).is_file() for path in table.image)
        of_source = cases.table.set_index("case_id").loc[list(table.case_id)]
        for name in cases.schema.field_names:  # what is not recorded stays so, and "no" is a word
            assert [None if pd.isna(value) else value for value in table[name]] == list(of_source[name])


def test_a_peer_sees_neither_the_patient_nor_how_a_lesion_was_confirmed(folder: Path) -> None:
    task = script.task_of(folder, 0, folder / "work")
    assert {"age", "smoke", "image", "target"} < set(task.train)
    assert not {"case_id", "patient_id", "lesion_id", "biopsed"} & set(task.train)
    assert task.numeric == ["age", "diameter_1_mm", "diameter_2_mm"]
    assert (task.epochs, task.seed) == (2, 0)


def test_timm_reads_the_cnn_with_its_weights(folder: Path) -> None:
    torch.manual_seed(0)
    photo = torch.rand(1, 3, 32, 32)
    read = timm.create_model(f"local-dir:{folder / 'cnn'}", pretrained=True, num_classes=0).eval()
    tensors = torch.load(folder / "cnn" / "pytorch_model.bin", weights_only=True)
    ours = TimmImageEncoder(model="test_efficientnet", image_size=32)
    ours.model.load_state_dict(tensors, strict=True)
    assert torch.equal(read(photo), ours.eval()({"pixels": photo}).pooled)
    described = json.loads((folder / "cnn" / "config.json").read_text())
    assert tuple(described["pretrained_cfg"]["mean"]) == ours.prepare.mean  # AutoGluon-MM normalises by it


def test_answers_are_reported_with_what_they_cost(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Certain of every target: 1. The same answer to all six classes: right in one of six, and AUROC 1/2."""

    def certain(task: script.Task) -> pd.DataFrame:
        return pd.get_dummies(task.test.target, dtype=float)

    def undecided(task: script.Task) -> pd.DataFrame:
        return certain(task) * 0 + 1 / 6

    answering = {"autogluon": ("mmskin", undecided), "ludwig": ("mmskin", certain)}
    monkeypatch.setattr(script, "PEERS", answering)
    for peer in answering:
        script.measure(folder, 0, peer, script.CONFIG)
    (folder / "fold_0" / "ludwig.csv").rename(folder / "fold_0" / "mmskin.csv")
    (folder / "fold_0" / "ludwig.json").rename(folder / "fold_0" / "mmskin.json")
    monkeypatch.setattr("sys.argv", ["peers.py", "report", str(folder)])
    capsys.readouterr()
    script.main()
    undecided_row, certain_row = (
        [cell.strip() for cell in row.split("|")] for row in capsys.readouterr().out.splitlines()[2:]
    )
    assert undecided_row[1].startswith("autogluon ")
    assert undecided_row[2:4] == certain_row[2:4] == ["1", "12"]
    assert undecided_row[4].startswith("0.167 [")
    assert undecided_row[5] == "0.500 [0.500, 0.500]"
    assert undecided_row[6].startswith("+0.833 [")
    assert certain_row[4:7] == ["1.000 [1.000, 1.000]", "1.000 [1.000, 1.000]", NOTHING]
    cpu, peak_gib = (float(number.replace(",", "")) for number in undecided_row[7:9])
    assert cpu > 0
    assert 0.1 < peak_gib < 64  # torch is in memory


def test_what_was_computed_before_is_not_measured(folder: Path) -> None:
    (folder / "fold_0" / "ludwig").mkdir()
    with pytest.raises(SystemExit, match="would not be computed again"):
        script.measure(folder, 0, "ludwig", script.CONFIG)
