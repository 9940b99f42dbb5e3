"""Rows and classes of a data set that a question is about; what is left out is counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from data.make_pad_ufes_20 import make_pad_ufes_20

from mmskin.config.experiment import DataConfig
from mmskin.data.load import read_source
from mmskin.data.selection import rows_where, with_classes
from mmskin.data.table import Cases, make_table
from mmskin.errors import ConfigError
from mmskin.schema import ClassInformation, Field, Schema

INFORMATION = ClassInformation(text="A spot.", next_steps="It is seen.", source="A book")
SCHEMA = Schema(
    name="toy",
    classes=("MEL", "BCC", "SCC", "NEV"),
    class_titles={"MEL": "Melanoma", "BCC": "Basal cell carcinoma"},
    class_information=dict.fromkeys(("MEL", "BCC", "NEV"), INFORMATION),
    class_groups={"malignant": ("MEL", "BCC", "SCC"), "dark": ("MEL", "NEV")},
    fields=(Field(name="site", kind="categorical", choices=("face", "arm")), Field(name="age", kind="numeric")),
)


def toy() -> Cases:
    ids = [f"c{i}" for i in range(6)]
    columns = {"case_id": ids, "patient_id": ids, "lesion_id": ids, "images": [()] * 6, "text": [None] * 6}
    columns |= {"target": ["MEL", "BCC", "SCC", "NEV", "NEV", None]}
    columns |= {"site": ["face", "arm", "face", None, "arm", "face"], "age": [60.0, 61.0, 62.0, None, 60.0, 30.0]}
    return Cases(SCHEMA, make_table(SCHEMA, columns), ("read",))


def test_rows_stay_that_have_one_of_the_values_in_every_column() -> None:
    found = rows_where(toy(), {"site": ["face", None], "age": [60, 62]})
    assert list(found.table.case_id) == ["c0", "c2"]
    assert found.remarks == (
        "read",
        "4 of 6 cases are left out by data.where: site in face, not recorded; age in 60, 62",
    )
    assert list(rows_where(toy(), {"site": [None]}).table.case_id) == ["c3"]


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ({"sites": ["face"]}, r"data\.where: column 'sites'.*site"),
        ({"site": ["fase"]}, r"data\.where\.site: value 'fase'.*face"),
        ({"site": [None], "age": [60]}, "leaves no case of toy"),
    ],
)
def test_what_no_row_has_is_refused(where: dict[str, list[Any]], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        rows_where(toy(), where)


def test_classes_are_joined_and_left_out_and_both_are_said() -> None:
    found = with_classes(toy(), {"keratinocytic": ["BCC", "SCC"], "MEL": ["MEL"]})
    assert found.table.target.tolist() == ["MEL", "keratinocytic", "keratinocytic", None]
    assert found.schema.classes == ("keratinocytic", "MEL")
    assert found.schema.class_titles == {"MEL": "Melanoma"}
    assert [*found.schema.class_information] == ["MEL"]
    assert Schema.model_validate(found.schema.to_json()) == found.schema
    assert found.schema.class_groups == {"malignant": ("keratinocytic", "MEL"), "dark": ("MEL",)}
    assert found.remarks[1:] == (
        "classes joined by data.classes: keratinocytic of BCC and SCC",
        "2 cases of other classes are left out by data.classes: NEV 2",
    )


def test_a_group_that_a_class_cuts_through_is_gone() -> None:
    found = with_classes(toy(), {"dark": ["MEL", "NEV"], "other": ["BCC", "SCC"]})
    assert found.schema.class_groups == {"dark": ("dark",)}


@pytest.mark.parametrize(
    ("classes", "told"),
    [
        ({"a": ["MEL"], "b": ["NEVUS"]}, "class of toy 'NEVUS'.*NEV"),
        ({"a": ["MEL", "BCC"], "b": ["MEL"]}, "MEL stands in two classes"),
        ({"a": ["MEL"]}, "two classes or more are needed, however: a"),
    ],
)
def test_classes_that_cannot_be_are_refused(classes: dict[str, list[str]], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        with_classes(toy(), classes)


def test_a_config_says_both(tmp_path: Path) -> None:
    make_pad_ufes_20(tmp_path)
    source: dict[str, Any] = {"source": {"name": "pad_ufes_20"}, "root": str(tmp_path)}
    whole = read_source(DataConfig(**source))
    classes = {"malignant": ["BCC", "MEL", "SCC"], "benign": ["ACK", "NEV", "SEK"]}
    part = read_source(DataConfig(**source, classes=classes, where={"biopsed": [str(whole.table.biopsed.iloc[0])]}))
    assert part.schema.classes == ("malignant", "benign")
    assert 0 < len(part.table) <= len(whole.table)
    assert any("data.where" in remark for remark in part.remarks)
