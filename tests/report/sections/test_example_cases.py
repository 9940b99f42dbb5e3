from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import pandas as pd
from PIL import Image

from mmskin.data.table import Cases, check_table, make_table
from mmskin.report.sections.example_cases import INVENTED, PRIVATE, SIDE, chosen_cases, example_section
from mmskin.schema import Field, Schema

SCHEMA = Schema(
    name="made up",
    classes=("NEV", "MEL"),
    class_titles={"NEV": "Naevus", "MEL": "Melanoma"},
    fields=(Field(name="age", kind="numeric", unit="years"),),
)
# Two seeds: the answers are those of the means. r and w: right and wrong, the first digit its confidence.
ANSWERS = {"r9": ("NEV", 0.9), "r8": ("NEV", 0.8), "r6": ("NEV", 0.6), "w7": ("MEL", 0.7), "w9": ("MEL", 0.9)}


def predictions() -> pd.DataFrame:
    rows = [
        {"case_id": case, "patient_id": case, "fold": 0, "seed": seed, "arm": "late", "split": "test", "target": target}
        | {"prob_NEV": nevus + step, "prob_MEL": 1 - nevus - step}
        for case, (target, nevus) in ANSWERS.items()
        for seed, step in ((0, -0.05), (1, 0.05))
    ]
    unread = {"case_id": "v", "patient_id": "v", "fold": 0, "seed": 0, "arm": "late", "split": "val", "target": "NEV"}
    other = {**unread, "case_id": "r9", "split": "test", "arm": "image"}
    return pd.DataFrame([*rows, *({**row, "prob_NEV": 1.0, "prob_MEL": 0.0} for row in (unread, other))])


def cases(photo: Path) -> Cases:
    names = list(ANSWERS)
    columns = {
        "case_id": names,
        "patient_id": names,
        "lesion_id": names,
        "images": [(str(photo),)] * len(names),
        "target": [target for target, _ in ANSWERS.values()],
        "text": ["<b>it</b> itches", *[None] * (len(names) - 1)],
        "age": [62.0, *[None] * (len(names) - 1)],
    }
    return check_table(Cases(SCHEMA, make_table(SCHEMA, columns)))


def test_the_most_confident_come_first_then_those_near_the_border_and_none_twice() -> None:
    chosen = {
        title: [row["case_id"] for row in rows] for title, rows in chosen_cases(predictions(), arm="late", each=1)
    }
    assert chosen == {
        "Right and confident": ["r9"],
        "Wrong and confident": ["w9"],
        "Right and near the border": ["r6"],
        "Wrong and near the border": ["w7"],
    }
    twice = {title: [row["case_id"] for row in rows] for title, rows in chosen_cases(predictions(), arm="late", each=2)}
    assert twice["Right and confident"] == ["r9", "r8"]
    assert twice["Right and near the border"] == ["r6"]
    assert twice["Wrong and near the border"] == []


def test_a_case_shows_answer_truth_and_history_and_a_photo_without_exif(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = "Zebulon Quacksalver"
    photo = tmp_path / "photo.jpg"
    Image.new("RGB", (400, 300), "brown").save(photo, exif=exif)
    section, warning = example_section(predictions(), cases(photo), arm="late", each=1, is_invented=False)
    assert warning == PRIVATE
    assert section.note.startswith(PRIVATE)
    assert "NEV: Naevus (90%)" in section.html
    assert "MEL: Melanoma (10%)" in section.html
    assert "62" in section.html
    assert "&lt;b&gt;it&lt;/b&gt; itches" in section.html
    assert "No history is recorded." in section.html
    sources = re.findall(r'src="data:image/jpeg;base64,(.*?)"', section.html)
    assert len(sources) == 4
    shown = Image.open(io.BytesIO(base64.b64decode(sources[0])))
    assert max(shown.size) == SIDE
    assert not shown.getexif()
    assert b"Zebulon" not in base64.b64decode(sources[0])
    assert section.saved["example_cases"]["Wrong and confident"] == ["w9"]


def test_a_photo_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    section, warning = example_section(predictions(), cases(tmp_path / "no.jpg"), arm="late", each=1, is_invented=True)
    assert warning == INVENTED
    assert section.html.count("not readable") == 4
