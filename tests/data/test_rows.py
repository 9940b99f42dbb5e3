from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from mmskin.data.rows import (
    classes_found,
    field_column,
    id_column,
    kept_column,
    label_column,
    one_hot_labels,
    parse_columns,
    photo_column,
    read_rows,
)
from mmskin.data.vocabulary import AGE, SEX, age_group
from mmskin.errors import DataError


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "table.csv"
    path.write_text(text)
    return path


def test_rows_are_stripped_text_with_the_row_numbers_of_the_file(tmp_path: Path) -> None:
    path = table(tmp_path, "id,age,more,else\n 1 ,7,x,y\n2,8.0,,y\n")
    rows, remarks = read_rows(path, ["id", "age"], key="id", obtain="ask", optional=("more", "other"))
    assert rows.to_dict("index") == {
        2: {"id": "1", "age": "7", "more": "x"},
        3: {"id": "2", "age": "8.0", "more": ""},
    }
    assert remarks == []


def test_repeated_rows_are_merged_and_contradicting_ones_refused(tmp_path: Path) -> None:
    path = table(tmp_path, "id,age\n1,7\n1,7\n,9\n,9\n")
    rows, remarks = read_rows(path, ["id", "age"], key="id", obtain="ask")
    assert list(rows.index) == [2, 4, 5]
    assert remarks == ["table.csv: 1 rows repeat another row exactly: merged"]
    path = table(tmp_path, "id,age,dx\n1,7,nv\n1,7,mel\n2,7,nv\n2,8,nv\n")
    told = r"2 id stand twice: 1 in rows 2 and 3 with labels nv and mel, 2 in rows 4 and 5 with different age"
    with pytest.raises(DataError, match=told):
        read_rows(path, ["id", "age", "dx"], key="id", label="dx", obtain="ask")


def test_an_absent_file_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"table\.csv does not exist; ask the authors"):
        read_rows(tmp_path / "table.csv", ["id"], key="id", obtain="ask the authors")


def test_all_faults_of_all_columns_are_told_in_the_order_of_rows(tmp_path: Path) -> None:
    rows = pd.DataFrame(
        {"id": ["", "2"], "photo": ["a/b.png", "c"], "dx": ["nv", "nvv"], "age": ["7", "old"]}, index=[2, 3]
    )
    columns = {
        "case_id": photo_column("photo"),
        "patient_id": id_column("id"),
        "target": label_column("dx", ("NV",), said={"nv": "NV"}),
        "age": field_column(AGE),
    }
    with pytest.raises(DataError) as caught:
        parse_columns(rows, columns, path=Path("t.csv"))
    assert str(caught.value) == (
        "t.csv: 4 faults: row 2: photo='a/b.png' must be a file name without folders, row 2: id is blank, "
        "row 3: dx 'nvv' does not exist. Did you mean 'nv'? It must be one of: NV, nv., "
        "row 3: age='old' must be a number of years, with a point, no unit"
    )


def test_cells_become_what_the_schema_stores() -> None:
    rows = pd.DataFrame({"photo": ["IMG_1.png"], "dx": [""], "gender": ["M"], "age": ["45.0"], "why": [""]}, index=[2])
    columns = {
        "case_id": photo_column("photo"),
        "target": label_column("dx", ("NV",)),
        "sex": field_column(SEX, name="gender", said={"M": "male"}),
        "age": field_column(AGE),
        "why": kept_column("why"),
    }
    values = parse_columns(rows, columns, path=Path("t.csv"))
    assert values == {"case_id": ["IMG_1"], "target": [None], "sex": ["male"], "age": [45.0], "why": [None]}


def test_one_hot_labels_in_any_way_of_writing_numbers() -> None:
    rows = pd.DataFrame({"MEL": ["1.0", "0"], "NV": ["0.0", "1"]}, index=[2, 3])
    assert one_hot_labels(rows, ("MEL", "NV"), path=Path("t.csv")) == ["MEL", "NV"]


@pytest.mark.parametrize("cells", [("1", "1"), ("0", "0"), ("0.5", "0.5"), ("", "1"), ("nan", "1")])
def test_rows_without_exactly_one_label_are_refused_with_their_number(cells: tuple[str, str]) -> None:
    rows = pd.DataFrame([cells], columns=["MEL", "NV"], index=[7])
    with pytest.raises(DataError, match=r"t\.csv: 1 rows must have one 1 and else 0 under MEL, NV: row 7"):
        one_hot_labels(rows, ("MEL", "NV"), path=Path("t.csv"))


@pytest.mark.parametrize(("age", "band"), [(None, None), (39.0, "<40"), (40.0, "40-59"), (60.0, "60+")])
def test_age_bands(age: float | None, band: str | None) -> None:
    assert age_group(age) == band


def test_classes_that_nobody_declares_are_the_labels_that_occur(tmp_path: Path) -> None:
    assert classes_found(["wart", None, "mole", "wart"], path=tmp_path) == ("mole", "wart")
    with pytest.raises(DataError, match="two labels or more are needed, however it has: mole"):
        classes_found(["mole", None], path=tmp_path)
    with pytest.raises(DataError, match="however it has: none"):
        classes_found([None], path=tmp_path)
