"""`data …` and `audit` as a user types them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from cli.conftest import Type, is_one_plain_line
from data.make_pad_ufes_20 import make_pad_ufes_20, make_rows

import mmskin


def test_data_describe_tells_what_was_read(mmskin_: Type, config: Path) -> None:
    code, told, _ = mmskin_(f"data describe {config}")
    assert code == 0
    assert "pad_ufes_20" in told
    assert "cases            36" in told


def test_make_synthetic_makes_a_clinic_and_touches_no_other_folder(mmskin_: Type, tmp_path: Path) -> None:
    code, _, told = mmskin_(f"data make-synthetic {tmp_path / 'clinic'} --cases 12 --size 96")
    assert (code, "12 cases" in told) == (0, True)
    assert len(list((tmp_path / "clinic" / "photos").iterdir())) == 12
    code, _, complaint = mmskin_(f"data make-synthetic {tmp_path} --cases 12 --size 96")
    assert code == 2
    assert is_one_plain_line(complaint)


def test_data_check_lists_faults_and_ends_with_2(mmskin_: Type, config: Path, pad_folder: Path, tmp_path: Path) -> None:
    code, told, _ = mmskin_(f"data check {config}")
    assert (code, told.splitlines()[0]) == (0, "36 cases read, 36 photos opened, 0 faults")
    broken = tmp_path / "broken"
    shutil.copytree(pad_folder, broken)
    next(broken.rglob("*.png")).write_bytes(b"")
    code, told, _ = mmskin_(f"data check {config} data.root={broken}")
    assert code == 2
    assert "36 photos opened, 1 faults" in told
    assert "fault: " in told


def test_data_note_tells_what_the_model_would_read(mmskin_: Type, config: Path, pad_folder: Path) -> None:
    case = next(row["img_id"] for row in make_rows(patients=36, photos=1) if row["smoke"]).removesuffix(".png")
    code, whole, _ = mmskin_(f"data note {config} --row {case} --wordings 2")
    assert code == 0
    assert len(whole.splitlines()) == 3
    assert "years old." in whole.splitlines()[0]
    assert "smok" in whole.lower()
    code, blind, _ = mmskin_(f"data note {config} data.missingness=always_recorded --row {case}")
    assert code == 0
    assert "smok" not in blind.lower()
    code, _, told = mmskin_(f"data note {config} --row PAT_1")
    assert code == 2
    assert is_one_plain_line(told)
    assert "there is no case 'PAT_1' among PAT_1_" in told
    assert "did you mean 'PAT_" in told


def test_audit_tells_findings_and_is_strict_on_demand(mmskin_: Type, config: Path, tmp_path: Path) -> None:
    """Two photos a patient, dealt out one by one: every patient lies in two folds."""
    rows = make_pad_ufes_20(tmp_path, patients=36, photos=2)
    folds = tmp_path / "folds.csv"
    folds.write_text("img_id,fold\n" + "\n".join(f"{row['img_id']},{i % 3}" for i, row in enumerate(rows)) + "\n")
    typed = f"audit {config} data.root={tmp_path} data.folds={folds} --output {tmp_path / 'audit'}"
    code, told, _ = mmskin_(typed)
    assert code == 0
    assert told.startswith("72 labelled cases of 36 patients: ")
    assert "leak: 36 patients lie in several folds: PAT_1 (folds 0, 1)" in told
    assert json.loads((tmp_path / "audit" / "audit.json").read_text())["leaks"] >= 1
    code, again, _ = mmskin_(f"{typed} --strict")
    assert code == 1
    assert again == told
    code, again, said = mmskin_(typed.replace(f"audit {config}", f"audit --data {config}"))
    assert (code, again) == (0, told)
    assert "--data goes with the next release" in said
    code, _, complaint = mmskin_("audit")
    assert (code, is_one_plain_line(complaint)) == (2, True)


def test_rows_and_copies_that_a_config_names_are_counted(
    mmskin_: Type, config: Path, pad_folder: Path, tmp_path: Path
) -> None:
    table = mmskin.read_source("pad_ufes_20", pad_folder).table
    region, (first, second) = table.region.dropna().iloc[0], table.case_id[:2]
    copies = tmp_path / "copies.csv"
    copies.write_text(f"first,second\n{first},{second}\nnobody,{second}\n")
    code, out, _ = mmskin_(f"data describe {config} 'data.where={{region: [{region}]}}'")
    assert code == 0
    assert "are left out by data.where" in " ".join(out.split())
    code, out, _ = mmskin_(f"data describe {config} data.copies={copies} data.equal_photos=pixels")
    assert code == 0
    assert "name a case that is not here" in " ".join(out.split())
    code, _, complaint = mmskin_(f"data describe {config} 'data.where={{regoin: [{region}]}}'")
    assert code == 2
    assert is_one_plain_line(complaint)
