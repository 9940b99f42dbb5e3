"""A table in a file of any usual kind: delimited text, an Excel workbook, Parquet, JSON lines."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from mmskin.data.delimited import RawTable, as_cell, cells_of, read_delimited, table_of
from mmskin.errors import ConfigError, DataError, first_of

EXCEL, PARQUET, JSON_LINES = (".xlsx", ".xlsm"), (".parquet", ".pq"), (".jsonl", ".ndjson")


def read_table_file(
    path: Path, *, delimiter: str | None = None, encoding: str | None = None, one_column: bool = False
) -> RawTable:
    """The cells of a file as text; see `read_delimited`, and `cells_of` for files that hold numbers.

    Of a workbook the first sheet that is not empty is read; titles above its header are skipped as in a text.

    Raises:
        DataError: no such file, not of the kind that its ending says, or see `read_delimited`.
        ConfigError: a workbook, and openpyxl is not installed.
    """
    suffix = path.suffix.lower()
    if path.is_file() and suffix in (*EXCEL, *PARQUET, *JSON_LINES):
        return _READERS[suffix](path)
    return read_delimited(path, delimiter=delimiter, encoding=encoding, one_column=one_column)


def _excel(path: Path) -> RawTable:
    try:
        sheets = pd.read_excel(path, sheet_name=None, header=None, dtype=object, engine="openpyxl")
    except ImportError:
        raise ConfigError(f"{path} is an Excel workbook: pip install 'mmskin[excel]', or save it as CSV") from None
    except Exception as error:  # zipfile, openpyxl and XML parsers each have their own kinds
        raise DataError(f"{path} cannot be read as an Excel workbook: {error}") from None
    filled = {str(name): sheet for name, sheet in sheets.items() if not sheet.dropna(how="all").empty}
    if not filled:
        raise DataError(f"{path}: no sheet has a row")
    first, *others = filled
    remarks = [f"{path.name}: sheet {first!r} is read, and not {first_of(others)}"] if others else []
    cells = filled[first].map(as_cell)
    read = table_of([(row, list(of)) for row, of in enumerate(cells.itertuples(index=False), 1)], path=path)
    return read._replace(remarks=(*remarks, *read.remarks))


def _parquet(path: Path) -> RawTable:
    try:
        return cells_of(pd.read_parquet(path), path=path)
    except DataError:
        raise
    except Exception as error:  # pyarrow has its own kinds
        raise DataError(f"{path} cannot be read as Parquet: {error}") from None


def _json_lines(path: Path) -> RawTable:
    """Values as they stand: pandas' own reader turns some into dates."""
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except ValueError as error:
        raise DataError(f"{path} cannot be read as JSON, an object a line: {error}") from None
    if not all(isinstance(row, dict) for row in rows):
        raise DataError(f'{path} must hold an object a line, such as {{"case": "a", "age": 62}}')
    return cells_of(pd.DataFrame(rows, dtype=object), path=path)


_READERS: dict[str, Callable[[Path], RawTable]] = {
    **dict.fromkeys(EXCEL, _excel),
    **dict.fromkeys(PARQUET, _parquet),
    **dict.fromkeys(JSON_LINES, _json_lines),
}
