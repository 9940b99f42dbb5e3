"""`mmskin init`: the config that it writes is one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cli.conftest import Type, is_one_plain_line
from PIL import Image

from mmskin.config.experiment import read_experiment


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    """A table with semicolons, decimal commas and German words, and its photos."""
    rng = np.random.default_rng(0)
    rows = ["Fall;patient_id;Foto;Diagnose;Alter;age;juckt;dauer_weeks"]
    (tmp_path / "fotos").mkdir()
    for i in range(48):
        Image.fromarray(rng.integers(0, 255, (32, 32, 3), dtype=np.uint8)).save(tmp_path / "fotos" / f"f{i}.JPG")
        cells = [f"c{i}", f"p{i // 2}", f"f{i}.jpg", ("Naevus", "Melanom")[i // 2 % 2], f"{i},5", str(20 + i)]
        rows.append(";".join([*cells, "ja" if i % 3 else "nein", str(3 * i % 40)]))
    (tmp_path / "fälle.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return tmp_path


def test_from_a_table_to_a_first_number_in_four_commands(mmskin_: Type, clinic: Path) -> None:
    config = clinic / "clinic.yaml"
    line = f"init {clinic / 'fälle.csv'} --photos {clinic / 'fotos'} --output {config}"
    code, told, said = mmskin_(line)
    assert code == 0, said
    assert ["Diagnose", "target"] in [line.split()[:2] for line in told.splitlines()]
    assert f"mmskin data check {config}" in told
    experiment = read_experiment(config)
    assert experiment.data.source["target"] == "Diagnose"
    assert experiment.data.source["fields"]["dauer_weeks"] == {"kind": "duration", "unit": "weeks"}
    assert experiment.fusion == {"name": "late"}
    code, told, _ = mmskin_(f"data check {config}")
    assert code == 0, told
    assert "48 cases read, 48 photos opened, 0 faults" in told
    assert "found with another ending, in other letters" in told
    small = "'encoders.image={name: timm, model: test_resnet, image_size: 32}' reduce=null training.epochs=1"
    overrides = [f"train {config} --output {clinic / 'run'} --quiet data.folds=3 data.test_folds=[0]", small]
    code, told, said = mmskin_(" ".join(overrides))
    assert code == 0, said
    assert (clinic / "run" / "report.html").exists()
    code, _, said = mmskin_(f"predict-table {clinic / 'run'} {clinic / 'fälle.csv'} --output {clinic / 'p.csv'}")
    assert code == 0, said
    assert len((clinic / "p.csv").read_text().splitlines()) == 49
    code, _, complaint = mmskin_(line)
    assert code == 2
    assert is_one_plain_line(complaint)


def test_a_folder_of_class_folders_is_a_table_too(mmskin_: Type, tmp_path: Path) -> None:
    for name in ("a/1.png", "a/2.png", "b/3.png"):
        (tmp_path / "skin" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (32, 32)).save(tmp_path / "skin" / name)
    code, _, said = mmskin_(f"init {tmp_path / 'skin'} --output {tmp_path / 'skin.yaml'}")
    assert code == 0
    assert "has nobody two photos?" in said
    assert read_experiment(tmp_path / "skin.yaml").fusion == {"name": "image_only"}


@pytest.mark.parametrize(
    "line",
    [
        "init {tmp}/no.csv",
        "init {tmp}/t.csv --photos {tmp}/nowhere",
        "init {tmp}/t.csv --target dxx",
        "init {tmp}/t.csv",
    ],
)
def test_mistakes_are_one_plain_line(mmskin_: Type, tmp_path: Path, line: str) -> None:
    (tmp_path / "t.csv").write_text("what,age\na,1\nb,2\n")
    code, _, complaint = mmskin_(f"{line.format(tmp=tmp_path)} --output {tmp_path / 'x.yaml'}")
    assert code == 2
    assert is_one_plain_line(complaint)
    assert not (tmp_path / "x.yaml").exists()
