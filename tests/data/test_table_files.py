"""One table in files of every kind gives the same cells."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import pandas as pd
import pytest

from mmskin.data.table_files import read_table_file
from mmskin.errors import ConfigError, DataError

FRAME = pd.DataFrame({"case": ["a", "b", "c"], "age": [62, None, 40.5], "itch": ["yes", None, "no"]})
CELLS = {"case": ["a", "b", "c"], "age": ["62", "", "40.5"], "itch": ["yes", "", "no"]}


def write(folder: Path, kind: str) -> Path:
    path = folder / f"cases.{kind}"
    if kind == "xlsx":
        pytest.importorskip("openpyxl")
        FRAME.to_excel(path, index=False)
    elif kind == "parquet":
        FRAME.to_parquet(path)
    elif kind == "jsonl":
        FRAME.to_json(path, orient="records", lines=True)
    elif kind == "csv.gz":
        path.write_bytes(gzip.compress(b"case,age,itch\na,62,yes\nb,,\nc,40.5,no\n"))
    else:
        path.write_text("case,age,itch\na,62,yes\nb,,\nc,40.5,no\n")
    return path


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "xlsx", "parquet", "jsonl"])
def test_the_cells_are_the_same_whatever_the_file(tmp_path: Path, kind: str) -> None:
    read = read_table_file(write(tmp_path, kind))
    assert read.rows.to_dict("list") == CELLS
    assert list(read.rows.index) == [2, 3, 4]
    assert read.remarks == ()


def test_of_a_workbook_the_first_filled_sheet_is_read_and_the_others_are_named(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    with pd.ExcelWriter(tmp_path / "w.xlsx") as writer:
        pd.DataFrame().to_excel(writer, sheet_name="empty")
        FRAME.to_excel(writer, sheet_name="cases", index=False)
        FRAME.to_excel(writer, sheet_name="old", index=False)
    read = read_table_file(tmp_path / "w.xlsx")
    assert read.rows.to_dict("list") == CELLS
    assert read.remarks == ("w.xlsx: sheet 'cases' is read, and not old",)


@pytest.mark.parametrize("kind", ["xlsx", "parquet", "jsonl", "csv.gz"])
def test_a_file_that_is_not_what_its_ending_says_is_refused_in_one_line(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"x.{kind}"
    path.write_bytes(b"\x1f\x8bnot at all" if kind == "csv.gz" else b"not at all")
    with pytest.raises(DataError, match=f"x.{kind} ") as caught:
        read_table_file(path)
    assert "\n" not in str(caught.value)


def test_without_openpyxl_the_way_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "xlsx")
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(ConfigError, match=r"pip install 'mmskin\[excel\]', or save it as CSV"):
        read_table_file(path)


def test_an_absent_file_is_told_as_before(tmp_path: Path) -> None:
    write(tmp_path, "csv")
    with pytest.raises(DataError, match=r"no\.xlsx is no file; beside it: cases\.csv"):
        read_table_file(tmp_path / "no.xlsx")


def test_titles_above_the_header_of_a_workbook_are_skipped_and_rows_keep_their_numbers(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    with pd.ExcelWriter(tmp_path / "w.xlsx") as writer:
        FRAME.to_excel(writer, sheet_name="cases", index=False, startrow=3)
        writer.sheets["cases"]["A1"] = "Skin clinic"
        writer.sheets["cases"]["B2"] = "2019 to 2023"
    read = read_table_file(tmp_path / "w.xlsx")
    assert read.rows.to_dict("list") == CELLS
    assert list(read.rows.index) == [5, 6, 7]
    assert read.remarks == ("w.xlsx: 2 lines above the header skipped: Skin clinic, 2019 to 2023",)
