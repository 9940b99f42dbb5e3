from __future__ import annotations

from pathlib import Path

import pytest

from mmskin.data.class_map import Labelled, read_class_map
from mmskin.errors import ConfigError

MAP = """
classes: {BCC: Basal cell carcinoma, NEV: Nevus, ACK: Actinic keratosis}
groups: {malignant: [BCC]}
labels:
  clinic: {basalioma: BCC, mole: NEV, keratosis: ACK}
  atlas: {bcc: BCC, nv: NEV, akiec: null}
"""
CLINIC = Labelled("one", "clinic", ("basalioma", "keratosis", "mole"))
ATLAS = Labelled("two", "atlas", ("akiec", "bcc", "nv"))


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "classes.yaml"
    path.write_text(text)
    return path


def test_labels_are_found_by_the_name_of_a_source_and_first_by_its_key(tmp_path: Path) -> None:
    found = read_class_map(write(tmp_path, MAP)).of([CLINIC, ATLAS])
    assert found["one"] == {"basalioma": "BCC", "mole": "NEV", "keratosis": "ACK"}
    assert found["two"] == {"bcc": "BCC", "nv": "NEV", "akiec": None}
    keyed = read_class_map(write(tmp_path, f"{MAP}  two: {{bcc: BCC, nv: null, akiec: null}}\n"))
    assert keyed.of([CLINIC, ATLAS])["two"]["nv"] is None


def test_every_label_without_an_answer_is_named_at_once(tmp_path: Path) -> None:
    text = MAP.replace("mole: NEV, ", "").replace("nv: NEV, ", "")
    told = r"1 labels of clinic are not mentioned: mole; 1 labels of atlas are not mentioned: nv; a label maps to a cl"
    with pytest.raises(ConfigError, match=told):
        read_class_map(write(tmp_path, text)).of([CLINIC, ATLAS])
    with pytest.raises(ConfigError, match="labels has no entry 'biopsies'"):
        read_class_map(write(tmp_path, MAP)).of([CLINIC, Labelled("three", "biopsies", ("a", "b"))])


def test_labels_that_no_source_has_and_classes_that_no_label_reaches_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="atlas has no label nevus; it has akiec, bcc, nv; a label"):
        read_class_map(write(tmp_path, MAP.replace("nv: NEV", "nv: NEV, nevus: NEV"))).of([ATLAS, CLINIC])
    with pytest.raises(ConfigError, match="no label of two maps to ACK: leave it out of classes"):
        read_class_map(write(tmp_path, MAP)).of([ATLAS])


@pytest.mark.parametrize(
    ("was", "becomes", "message"),
    [
        ("nv: NEV", "nv: NVE", r"labels\.atlas\.nv: class 'NVE' does not exist\. Did you mean 'NEV'"),
        ("[BCC]", "[MEL]", r"groups\.malignant: class 'MEL' does not exist"),
        ("groups:", "group:", "group: Extra inputs are not permitted"),
        ("nv: NEV", "7: NEV", r"labels\.atlas\.7\.\[key\]: Input should be a valid string"),
        ("nv: NEV", "bcc: NEV", "is not valid YAML.*bcc"),
        ("labels:", "lables:", "Field required|Extra inputs"),
    ],
)
def test_a_file_that_is_no_class_map_is_refused(tmp_path: Path, was: str, becomes: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_class_map(write(tmp_path, MAP.replace(was, becomes)))
