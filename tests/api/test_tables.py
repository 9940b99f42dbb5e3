from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from api.small_parts import FAST, TINY
from PIL import Image

import mmskin
from mmskin.errors import ConfigError, DataError

FIELDS = {"age": {"kind": "numeric"}, "itch": {"kind": "yes_no"}}


def frame_of(folder: Path, rows: int = 12) -> pd.DataFrame:
    """Two classes, a patient for every two rows, photos under a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for row in range(rows):
        pixels = np.random.default_rng(row).integers(0, 256, (40, 48, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{row}.png")
        names.append(f"{row}.png")
    return pd.DataFrame(
        {
            "photo": names,
            "dx": ["nevus", "melanoma"] * (rows // 2),
            "who": [f"p{row // 2}" for row in range(rows)],
            "age": [None if row == 3 else 30 + row for row in range(rows)],
            "itch": [True, False] * (rows // 2),
            "said": ["it grew", None] * (rows // 2),
        }
    )


def test_a_frame_is_read_as_the_same_file_is(tmp_path: Path) -> None:
    frame = frame_of(tmp_path)
    frame.to_csv(tmp_path / "cases.csv", index=False)
    options = {"target": "dx", "photos": "photo", "patient": "who", "text": "said", "fields": FIELDS}
    of_file = mmskin.read_table(tmp_path / "cases.csv", **options)
    of_frame = mmskin.read_table(frame, root=tmp_path, **options)
    pd.testing.assert_frame_equal(of_frame.table, of_file.table)
    assert of_frame.schema.model_copy(update={"name": "cases"}) == of_file.schema
    assert of_file.table["age"].tolist()[2:5] == [32.0, None, 34.0]
    assert of_file.table["itch"].tolist()[:2] == ["yes", "no"]
    assert of_file.table["patient_id"].nunique() == 6


def test_absolute_paths_in_a_frame_need_no_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    frame = frame_of(tmp_path / "photos")
    absolute = frame.assign(photo=[tmp_path / "photos" / name for name in frame["photo"]])
    cases = mmskin.read_table(absolute, target="dx", photos="photo", fields=[])
    assert cases.table["images"].tolist() == [(str(path),) for path in absolute["photo"]]
    with pytest.raises(DataError, match="none of 12 photos is under"):
        mmskin.read_table(frame, target="dx", photos="photo", fields=[])


def test_photos_by_kind_are_modalities_of_their_own(tmp_path: Path) -> None:
    frame, scopes = frame_of(tmp_path), frame_of(tmp_path / "scope")
    frame["scope"] = [f"scope/{name}" for name in scopes["photo"]]
    frame.loc[0, "scope"] = None
    kinds = {"clinical": "photo", "dermoscopic": "scope"}
    cases = mmskin.read_table(frame, target="dx", photos=kinds, root=tmp_path, fields=[], patient="who")
    assert cases.schema.photos == ("clinical", "dermoscopic")
    assert "photos:  clinical 12, dermoscopic 11" in repr(cases)
    encoders = dict.fromkeys(kinds, TINY["image"])
    model = mmskin.fit(cases, **FAST | {"encoders": encoders})
    answers = model.predict(frame, photos=kinds, root=tmp_path)
    one = model.predict({"clinical": tmp_path / "0.png"})
    assert one.missing == ("dermoscopic",)
    assert answers.loc[0].to_dict() == pytest.approx(one.probabilities, abs=1e-6)
    with pytest.raises(DataError, match="this model reads clinical and dermoscopic: name the columns by kind"):
        model.predict(frame, photos="photo")


def test_without_a_patient_column_every_row_is_a_patient_and_the_remarks_say_so() -> None:
    cases = mmskin.read_table(pd.DataFrame({"dx": ["a", "b"], "age": [1, 2]}), target="dx", fields=FIELDS_OF_AGE)
    assert cases.table["patient_id"].tolist() == ["row_2", "row_3"]
    assert any("every case counts as a patient" in remark for remark in cases.remarks)


FIELDS_OF_AGE = {"age": {"kind": "numeric"}}


def test_cases_are_worth_reading() -> None:
    cases = mmskin.read_table(pd.DataFrame({"dx": ["a", "b"], "age": [1, 2]}), target="dx", fields=FIELDS_OF_AGE)
    assert repr(cases).splitlines() == [
        "Cases of table: 2 cases, unknown patients",
        "  classes: a 1, b 1",
        "  photos:  image 0",
        "  fields:  age",
        f"  remarks: {len(cases.remarks)} (see .remarks)",
    ]


def test_what_is_wrong_is_named_in_one_line(tmp_path: Path) -> None:
    frame = pd.DataFrame({"dx": ["a", "b"], "age": [1, 2]})
    with pytest.raises(DataError, match=r"DataFrame lacks columns: 'diagnosis' \(target\); it has: dx, age"):
        mmskin.read_table(frame, target="diagnosis")
    with pytest.raises(DataError, match="photos: column 'foto' does not exist"):
        mmskin.read_table(frame, target="dx", photos="foto")
    with pytest.raises(DataError, match="DataFrame holds no row"):
        mmskin.read_table(frame.iloc[:0], target="dx")
    with pytest.raises(ConfigError, match=r"source 'csv' option 'pateint' does not exist\. Did you mean 'patient'"):
        mmskin.read_table(frame, target="dx", pateint="who")
    with pytest.raises(DataError, match=r"row 3, column 'age': age='old' must be a number"):
        mmskin.read_table(frame.assign(age=[1, "old"]), target="dx", fields=FIELDS_OF_AGE)
    with pytest.raises(ConfigError, match="source 'pad' does not exist"):
        mmskin.read_source("pad", tmp_path)
    with pytest.raises(DataError, match="is no folder; give the one in which the files of pad_ufes_20 lie"):
        mmskin.read_source("pad_ufes_20", tmp_path / "nowhere")


def test_a_data_set_is_read_in_part_as_a_config_reads_it(pad_folder: Path, tmp_path: Path) -> None:
    whole = mmskin.read_source("pad_ufes_20", pad_folder)
    region = whole.table.region.dropna().iloc[0]
    rows = mmskin.read_source("pad_ufes_20", pad_folder, where={"region": [region]})
    assert set(rows.table.region) == {region}
    assert any("left out by data.where" in remark for remark in rows.remarks)
    joined = mmskin.read_source("pad_ufes_20", pad_folder, classes={"MEL": ["MEL"], "other": ["NEV", "SEK"]})
    assert joined.schema.classes == ("MEL", "other")
    copies = tmp_path / "copies.csv"
    first, second = whole.table.case_id[:2]
    copies.write_text(f"first,second\n{first},{second}\nnobody,{second}\n")
    tied = mmskin.read_source("pad_ufes_20", pad_folder, copies=copies, equal_photos="pixels")
    groups = tied.table.set_index("case_id").photo_group
    assert groups[first] == groups[second]
    assert any(remark.startswith("1 of 2 pairs in ") for remark in tied.remarks)
    with pytest.raises(ConfigError, match="equal_photos"):
        mmskin.read_source("pad_ufes_20", pad_folder, equal_photos="words")


def test_an_outcome_is_never_an_input() -> None:
    frame = pd.DataFrame({"dx": ["a", "b"], "biopsied": ["yes", "no"]})
    with pytest.raises(
        ConfigError, match="reads 'biopsied', which is under outcomes: it is known only after the diagnosis"
    ):
        mmskin.read_table(frame, target="dx", fields=["biopsied"], outcomes=["biopsied"])
