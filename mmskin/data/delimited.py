"""A delimited text file, read as it stands or refused by name: never one column, never a guess that nobody sees.

pandas.read_csv on 1,280 odd files read 356 of them as a single column without a word; that is why this is not it.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from mmskin.errors import DataError, first_of
from mmskin.schema import is_missing

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
GZIP = b"\x1f\x8b"
_MOST_TITLES = 5  # lines above a header
_SHOWN = 20  # offenders named in one message
_LONGEST_CELL = 16 * 2**20  # characters; the csv module stops at 131,072 by default
_FOREIGN = {
    b"PK\x03\x04": "a zip archive or an Excel workbook (.xlsx)",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook (.xls)",
    b"%PDF": "a PDF",
    b"PAR1": "a parquet file",
    b"version https://git-lfs": "a Git LFS pointer, not the file itself (run `git lfs pull`)",
    b"<!doctype": "a web page",
    b"<html": "a web page",
}


class RawTable(NamedTuple):
    """The cells of a file, before anything is understood.

    rows: every cell as text, nothing stripped or converted; columns named by the header; the index is the row number
        that a spreadsheet shows, the header being row 1.
    remarks: what was guessed or left out.
    """

    rows: pd.DataFrame
    remarks: tuple[str, ...]


def read_delimited(
    path: Path, *, delimiter: str | None = None, encoding: str | None = None, one_column: bool = False
) -> RawTable:
    """Read UTF-8 or UTF-16 (with byte order mark) text with any line ends and quotes, as it is or compressed by gzip.

    Rows without any content are left out, and so are columns without a name if they are the first one (the index that
    pandas writes) or hold nothing. Lines above the header that are no part of the table (`sep=;` and titles of one
    cell) are skipped, which is remarked.

    Args:
        path: the file.
        delimiter: None takes the one of comma, semicolon, tab and pipe that splits the header into most columns.
        encoding: of another text, such as cp1252.
        one_column: the file may be a list under one name.

    Raises:
        DataError: no such file; no text; no row; one column only, unless it may; doubled or blank column names; rows
            longer or shorter than the header; a quote that is not closed. Row numbers or the byte offset are named.
    """
    text = _decode(path, encoding)
    told, above = _told_delimiter(text)
    symbol = delimiter or told or _sniff(text, one_column=one_column)
    records = [(row, cells) for row, cells in _records(text, symbol, path) if row > above]
    if not one_column and records and max(len(cells) for _, cells in records) == 1:
        tried = repr(delimiter) if delimiter else ", ".join(DELIMITERS.values())
        raise DataError(f"{path} reads as one column, {records[0][1][0][:60]!r}; between columns it must have: {tried}")
    read = table_of(records, path=path, one_column=one_column)
    how = [] if symbol == "," or delimiter else [f"{path.name}: read with {DELIMITERS[symbol]} between columns"]
    return read._replace(remarks=(*how, *read.remarks))


Record = tuple[int, list[str]]
"""The number of a row, the first of the file being 1, and its cells."""


def table_of(records: Sequence[Record], *, path: Path, one_column: bool = False) -> RawTable:
    """The table whose header and rows these are, with or without titles above it.

    Raises:
        DataError: see `read_delimited`.
    """
    blank = [row for row, cells in records if not any(cell.strip() for cell in cells)]
    records = [record for record in records if record[0] not in {*blank}]
    if not records:
        raise DataError(f"{path} is empty")
    titles = [] if one_column else _titles(records)
    records = records[len(titles) :]
    header = [name.strip().strip("\ufeff\u200b") for name in records[0][1]]
    filled = records[1:]
    _check_lengths(filled, header, path)
    if not filled:
        raise DataError(f"{path} has a header and no row below it")
    table = pd.DataFrame([cells for _, cells in filled], index=[row for row, _ in filled], dtype=object)
    named, left_out = _named_columns(table, header, path)
    remarks = []
    if titles:
        remarks.append(f"{path.name}: {len(titles)} lines above the header skipped: {first_of(titles, 3)}")
    if left_out:
        remarks.append(f"{path.name}: {left_out} columns without a name left out")
    if below := [row for row in blank if row > records[0][0]]:
        remarks.append(f"{path.name}: {len(below)} rows without content left out")
    return RawTable(named, tuple(remarks))


def cells_of(frame: pd.DataFrame, *, path: Path = Path("DataFrame")) -> RawTable:
    """A data frame as if it had been read from a file: every cell as text, blank where nothing is; rows from 2 on.

    A whole number that pandas holds as a decimal, as it does beside gaps, is written as a whole number.

    Raises:
        DataError: no row, or column names that are doubled or blank.
    """
    if frame.empty:
        raise DataError(f"{path} holds no row")
    cells = frame.map(as_cell).astype(object).set_axis(range(frame.shape[1]), axis=1)
    cells.index = pd.Index(range(2, len(frame) + 2))
    filled = cells[(cells.map(str.strip) != "").any(axis=1)]
    named, left_out = _named_columns(filled, [str(name).strip() for name in frame.columns], path)
    return RawTable(named, (f"{path}: {left_out} columns without a name left out",) if left_out else ())


def as_cell(value: object) -> str:
    """A value of a frame as a file of text would hold it."""
    if is_missing(value):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def require_columns(
    rows: pd.DataFrame, needed: Sequence[str], *, path: Path, options: Mapping[str, str] | None = None
) -> None:
    """Nothing, if the columns are there.

    Args:
        rows: of the table.
        needed: names of columns.
        path: of the table.
        options: by column the option that names it, for the message.

    Raises:
        DataError: names all missing columns with the nearest of those found.
    """
    found = [str(column) for column in rows.columns]
    by_lower = {column.lower(): column for column in found}
    faults = []
    for column in dict.fromkeys(needed):
        if column not in found:
            near = get_close_matches(column.lower(), by_lower, n=1)
            asked = f" ({options[column]})" if options and column in options else ""
            faults.append(f"{column!r}{asked}" + (f" (did you mean {by_lower[near[0]]!r}?)" if near else ""))
    if faults:
        raise DataError(f"{path} lacks columns: {first_of(faults, _SHOWN)}; it has: {first_of(found, 60)}")


def _decode(path: Path, encoding: str | None) -> str:
    if not path.is_file():
        beside = sorted(file.name for file in path.parent.glob("*.?sv")) if path.parent.is_dir() else []
        raise DataError(f"{path} is no file; {'beside it: ' + first_of(beside) if beside else 'no table beside it'}")
    data = path.read_bytes()
    if data.startswith(GZIP):
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{path} is compressed by gzip and damaged: {error}; copy it again") from None
    start = data.lstrip()[:64].lower()
    for magic, what in _FOREIGN.items():
        if data.startswith(magic) or start.startswith(magic):
            raise DataError(f"{path} is {what}; it must be delimited text, saved as CSV in UTF-8")
    if encoding is not None:
        return _decoded_as(data, encoding, path)
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    if encoding == "utf-8-sig" and (offset := data.find(b"\0")) >= 0:
        raise DataError(f"{path} holds a NUL byte at offset {offset}, {_row_at(data, offset)}; save it as CSV in UTF-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        # The decoder counts from behind the byte order mark.
        offset = error.start + (3 if data.startswith(b"\xef\xbb\xbf") else 0)
        shown = f"byte 0x{data[offset]:02x} at offset {offset}, {_row_at(data, offset)}"
        raise DataError(
            f"{path} is not UTF-8: {shown} (Latin-1 or Windows-1252, perhaps); save it as CSV in UTF-8, or "
            "name its encoding, such as encoding: cp1252"
        ) from None
    if not text.strip():
        raise DataError(f"{path} is empty")
    return text


def _decoded_as(data: bytes, encoding: str, path: Path) -> str:
    try:
        return data.decode(encoding)
    except LookupError:
        raise DataError(f"encoding={encoding!r} is none that Python knows; such as utf-8, cp1252, gb18030") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not {encoding}: {error}") from None


def _row_at(data: bytes, offset: int) -> str:
    before = data[:offset]
    line_ends = max(before.count(b"\n"), before.count(b"\r"))
    return f"row {line_ends + 1}"


def _told_delimiter(text: str) -> tuple[str | None, int]:
    """What a first line `sep=;`, as Excel writes it, says, and how many lines to skip for it."""
    first = text.lstrip("\ufeff").partition("\n")[0].strip()
    symbol = first[4:] or "\t"
    return (symbol, 1) if first.lower().startswith("sep=") and symbol in DELIMITERS else (None, 0)


def _sniff(text: str, *, one_column: bool) -> str:
    """The delimiter that splits the first line that it splits at all most; ties go to the first listed."""
    for line in [line for line in text.lstrip().splitlines() if line.strip()][: 1 if one_column else _MOST_TITLES + 1]:
        parts = {symbol: len(next(csv.reader([line], delimiter=symbol))) for symbol in DELIMITERS}
        if max(parts.values()) > 1:
            return max(parts, key=lambda symbol: parts[symbol])
    return ","


def _titles(records: Sequence[Record]) -> list[str]:
    """What stands in one cell above the first line of several."""
    titles: list[str] = []
    for _, cells in records[: _MOST_TITLES + 1]:
        filled = [cell.strip() for cell in cells if cell.strip()]
        if len(filled) > 1:
            return titles
        titles += filled
    return []


def _records(text: str, delimiter: str, path: Path) -> Iterator[Record]:
    """Row number and cells of every record that is no empty line."""
    before = csv.field_size_limit(_LONGEST_CELL)
    row = 0
    try:
        for row, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), 1):
            if cells:
                yield row, cells
    except csv.Error as error:
        raise DataError(f"{path}, row {row + 1}: {error}; is there a quote that is not closed?") from None
    finally:
        csv.field_size_limit(before)


def _check_lengths(records: Sequence[Record], header: Sequence[str], path: Path) -> None:
    faults = [f"row {row} has {len(cells)}" for row, cells in records if len(cells) != len(header)]
    if faults:
        raise DataError(f"{path}: the header has {len(header)} columns, but {first_of(faults, _SHOWN)}")


def _named_columns(table: pd.DataFrame, header: Sequence[str], path: Path) -> tuple[pd.DataFrame, int]:
    """The columns that have a name, and how many had none."""
    blank = [i for i, name in enumerate(header) if not name]
    stray = [i + 1 for i in blank if i > 0 and any(cell.strip() for cell in table[i])]
    if stray:
        raise DataError(f"{path}: columns without a name hold values: number {first_of(stray, _SHOWN)}")
    kept = [i for i in range(len(header)) if i not in blank]
    names = [header[i] for i in kept]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise DataError(f"{path}: column names stand twice: {first_of(doubled, _SHOWN)}")
    return table[kept].set_axis(names, axis=1), len(blank)
