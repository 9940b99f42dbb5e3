"""Odd files: each is read as it stands or refused by name, with the row or byte."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest

from mmskin.data.delimited import read_delimited, require_columns
from mmskin.errors import DataError

TEXT = 'id,age,note\n1,62,"grew, bled"\n2,40,Größe\n'


def _file(folder: Path, content: bytes | str) -> Path:
    path = folder / "cases.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        ("\ufeff" + TEXT).encode("utf-16-be"),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.replace("\n", "\r").encode(),
        TEXT.rstrip("\n").encode(),
        TEXT.replace("id,age,note", " id ,age,\u200bnote").encode(),
    ],
)
def test_encodings_and_line_ends_give_the_same_cells(tmp_path: Path, content: bytes) -> None:
    rows = read_delimited(_file(tmp_path, content)).rows
    assert list(rows.columns) == ["id", "age", "note"]
    assert list(rows.index) == [2, 3]
    assert rows.values.tolist() == [["1", "62", "grew, bled"], ["2", "40", "Größe"]]


@pytest.mark.parametrize(("symbol", "name"), [(";", "semicolon"), ("\t", "tab"), ("|", "pipe")])
def test_other_delimiters_are_found_and_told(tmp_path: Path, symbol: str, name: str) -> None:
    raw = read_delimited(_file(tmp_path, TEXT.replace(",", symbol)))
    assert list(raw.rows.columns) == ["id", "age", "note"]
    assert raw.remarks == (f"cases.csv: read with {name} between columns",)
    assert read_delimited(tmp_path / "cases.csv", delimiter=symbol).remarks == ()


def test_rows_are_numbered_as_a_spreadsheet_does(tmp_path: Path) -> None:
    raw = read_delimited(_file(tmp_path, 'a,b\n\n1,"two\nlines"\n,\n3,4\n'))
    assert list(raw.rows.index) == [3, 5]
    assert raw.remarks == ("cases.csv: 1 rows without content left out",)


def test_index_column_of_pandas_is_left_out(tmp_path: Path) -> None:
    raw = read_delimited(_file(tmp_path, ",a,b,\n0,x,y,\n"))
    assert list(raw.rows.columns) == ["a", "b"]
    assert raw.remarks == ("cases.csv: 2 columns without a name left out",)


def test_cells_are_not_interpreted(tmp_path: Path) -> None:
    rows = read_delimited(_file(tmp_path, "a,b\n007, NA \nTrue,1e3\n")).rows
    assert rows.values.tolist() == [["007", " NA "], ["True", "1e3"]]


def test_a_list_under_one_name_is_read_where_it_may_be_one(tmp_path: Path) -> None:
    path = _file(tmp_path, "indexes\r\n7\r\n\r\n9\r\n")
    raw = read_delimited(path, one_column=True)
    assert raw.rows["indexes"].to_dict() == {2: "7", 4: "9"}
    assert raw.remarks == ()
    with pytest.raises(DataError, match="reads as one column, 'indexes'"):
        read_delimited(path)


def test_long_cells_are_read_and_the_csv_module_is_left_as_found(tmp_path: Path) -> None:
    before = csv.field_size_limit(1000)
    rows = read_delimited(_file(tmp_path, f"a,b\n1,{'x' * 1_000_000}\n")).rows
    assert len(rows.b[2]) == 1_000_000
    assert csv.field_size_limit(before) == 1000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"a,b\n", "a header and no row"),
        (b"a:b\n1:2\n", "reads as one column, 'a:b'; .*comma, semicolon, tab, pipe"),
        ("a,b\n1,2\n3,Größe\n".encode("latin-1"), r"not UTF-8: byte 0xf6 at offset 12, row 3 \(Latin-1"),
        (b"\xef\xbb\xbfa,b\n1,\xff\n", r"byte 0xff at offset 9, row 2"),
        (b"a,b\n1,\x002\n", "NUL byte at offset 6, row 2"),
        (b"a,b\n1,2\n3\n4,5,6\n", "header has 2 columns, but row 3 has 1, row 4 has 3"),
        (b'a,b\n1,2\n3,"open\n4,5\n', "row 3: unexpected end of data; is there a quote that is not closed"),
        (b"a,a,b\n1,2,3\n", "column names stand twice: a"),
        (b"a,,b\n1,2,3\n", "columns without a name hold values: number 2"),
        (b"PK\x03\x04rest", "a zip archive or an Excel workbook"),
        (b"\xd0\xcf\x11\xe0rest", "an old Excel workbook"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0)[:-9], "compressed by gzip and damaged"),
        (b"\n<!DOCTYPE html><html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "a Git LFS pointer"),
        (b"PAR1\x15\x04", "a parquet file"),
    ],
)
def test_files_that_are_no_table_are_refused_by_name(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_delimited(_file(tmp_path, content))


def test_absent_file_names_the_tables_beside_it(tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").touch()
    with pytest.raises(DataError, match=r"cases.csv is no file; beside it: metadata.csv"):
        read_delimited(tmp_path / "cases.csv")


def test_missing_columns_are_named_with_the_nearest(tmp_path: Path) -> None:
    path = _file(tmp_path, "ID,patient\n1,2\n")
    with pytest.raises(DataError, match=r"'id' \(did you mean 'ID'\?\), 'age'; it has: ID, patient"):
        require_columns(read_delimited(path).rows, ["id", "age", "patient"], path=path)


def test_lines_above_the_header_are_skipped_and_told(tmp_path: Path) -> None:
    path = tmp_path / "cases.csv"
    for above, told in (
        ("sep=;\n", []),
        ("Export of the clinic\n\n", ["cases.csv: 1 lines above the header skipped: Export of the clinic"]),
        ("Export;;\nof 2024;;\n", ["cases.csv: 2 lines above the header skipped: Export, of 2024"]),
    ):
        path.write_text(f"{above}case;age;site\na;1,5;arm\n")
        read = read_delimited(path)
        assert read.rows.to_dict("list") == {"case": ["a"], "age": ["1,5"], "site": ["arm"]}
        assert [remark for remark in read.remarks if "semicolon" not in remark] == told
        assert list(read.rows.index) == [above.count("\n") + 2]


def test_another_encoding_is_read_if_it_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cases.csv"
    path.write_bytes("case,site\na,Fuß\n".encode("cp1252"))
    with pytest.raises(DataError, match="name its encoding, such as encoding: cp1252"):
        read_delimited(path)
    assert list(read_delimited(path, encoding="cp1252").rows.site) == ["Fuß"]
    with pytest.raises(DataError, match="encoding='cp1522' is none that Python knows"):
        read_delimited(path, encoding="cp1522")
    with pytest.raises(DataError, match="is not ascii"):
        read_delimited(path, encoding="ascii")


def test_blank_lines_between_titles_and_header_are_none_of_them(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("Skin clinic;;\n;;\nof Graz;;\na;b;c\n1;2;3\n;;\n")
    read = read_delimited(path)
    assert list(read.rows) == ["a", "b", "c"]
    assert list(read.rows.index) == [5]
    assert read.remarks[1:] == (
        "t.csv: 2 lines above the header skipped: Skin clinic, of Graz",
        "t.csv: 1 rows without content left out",
    )
