"""The rows of a table and of the files beside it, as stripped text: read whole, joined, repeats merged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mmskin.data.delimited import cells_of, require_columns
from mmskin.data.suspicions import ONE_DIAGNOSIS, name_rows
from mmskin.data.table_files import read_table_file
from mmskin.data.tables.declaration import Declaration, Join
from mmskin.data.tables.faults import Findings
from mmskin.errors import DataError, first_of

PHOTO_ROWS_OPTION = "one_row_per_photo"  # of csv
LABEL = "one-hot label"  # the column made of those of the classes


@dataclass
class Rows:
    """Cells as text, blank where they are missing; the index is the row of the file, the header being row 1."""

    folder: Path
    cells: pd.DataFrame
    written: pd.DataFrame
    """The cells of the table itself, before anything was stripped, joined or merged."""
    findings: Findings

    def where(self, column: str, cell: str) -> list[int]:
        """The rows that hold exactly this."""
        return [int(row) for row in self.cells.index[self.cells[column] == cell]]

    def across(self, columns: Sequence[str]) -> list[tuple[str, ...]]:
        """Some columns by row; empty tuples where there are no columns."""
        return list(self.cells[list(columns)].itertuples(index=False, name=None)) if columns else [()] * len(self.cells)


def read_rows(
    declaration: Declaration,
    root: str | Path,
    *,
    also: Sequence[str] = (),
    made: Sequence[str] = (),
    frame: pd.DataFrame | None = None,
) -> Rows:
    """The table of a declaration, with what the files joined to it say.

    Args:
        declaration: of the files and columns.
        root: the folder of the data set.
        also: columns that must be there beside those declared, for the source's own use.
        made: columns that the source makes of others before the engine reads them.
        frame: the table, in place of its file.

    Raises:
        DataError: files or columns missing, ids that are in one of two files only.
    """
    folder = Path(root).resolve()
    path, remarks = _find_table(declaration, folder) if frame is None else (Path("DataFrame"), [])
    findings = Findings(path, declaration.declared_in, remarks)
    joined = [column for join in declaration.joins for column in _columns_of(join, declaration)]
    needed = [name for name in dict.fromkeys([*declaration.columns, *also]) if name not in (*joined, *made)]
    needed += [join.on for join in declaration.joins]
    written, cells = _read(path, needed, declaration, findings, frame=frame)
    by_photo = declaration.photo_rows or declaration.rows_are_photos
    key = declaration.photo_columns[0] if by_photo else declaration.case
    if key and key in cells:
        cells = _merge_repeats(cells, key, needed, path, declaration, findings)
    if declaration.lesion_may_be_missing:
        cells = cells.assign(**{name: "" for name in declaration.lesion if name not in cells})
    for join in declaration.joins:
        cells = _join(cells, join, folder, declaration, findings)
    return Rows(folder, cells, written, findings)


def _find_table(declaration: Declaration, folder: Path) -> tuple[Path, list[str]]:
    there = [folder / name for name in declaration.table if (folder / name).is_file()]
    if there:
        others = " and ".join(path.name for path in there[1:])
        return there[0], [f"{there[0].name} is read, and not {others} beside it"] if others else []
    if not declaration.obtain:
        return folder / declaration.table[0], []  # the reader of files says what lies beside it
    if len(declaration.table) > 1:
        raise DataError(f"{folder} holds neither {' nor '.join(declaration.table)}; {declaration.obtain}")
    raise DataError(f"{folder / declaration.table[0]} does not exist; {declaration.obtain}")


def _read(
    path: Path,
    needed: Sequence[str],
    declaration: Declaration,
    findings: Findings,
    *,
    frame: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The cells of a file, or of a frame in its place, as written and as they are read."""
    raw = (
        read_table_file(path, delimiter=declaration.delimiter, encoding=declaration.encoding)
        if frame is None
        else cells_of(frame)
    )
    require_columns(raw.rows, needed, path=path, options=None if declaration.declared_in else declaration.options)
    findings.remarks += raw.remarks
    missing = {word.lower() for word in declaration.missing}
    cells = raw.rows.apply(lambda column: column.str.strip())
    if missing:
        cells = cells.map(lambda cell: "" if cell.lower() in missing else cell)
    if declaration.one_hot and set(declaration.label_columns) <= set(cells):
        cells[LABEL] = _one_hot(cells, declaration.label_columns, findings)
    return raw.rows, cells


def _merge_repeats(
    cells: pd.DataFrame, key: str, needed: Sequence[str], path: Path, declaration: Declaration, findings: Findings
) -> pd.DataFrame:
    """Rows without those that repeat another in the needed columns; those that share an id and differ are problems."""
    columns = [name for name in dict.fromkeys([*needed, *declaration.lesion]) if name in cells]
    if declaration.merge_repeats:
        repeated = cells[columns].duplicated() & (cells[key] != "")
        if repeated.any():
            findings.remarks.append(f"{path.name}: {repeated.sum()} rows repeat another row exactly: merged")
        cells = cells[~repeated].copy()
    doubled = cells[cells[key].duplicated(keep=False) & (cells[key] != "")]
    for value, same in doubled.groupby(key, sort=False):
        differing = [name for name in columns if same[name].nunique() > 1]
        problem = f"different {', '.join(differing)}" if differing else "the same content"
        if declaration.target in differing:
            problem = f"labels {' and '.join(cell or 'blank' for cell in same[declaration.target].unique())}"
        where = " and ".join(map(str, same.index))
        problem += "; keep one row of each"
        if declaration.photo_columns and not declaration.declared_in:
            problem += f", or set {PHOTO_ROWS_OPTION}: true if several rows are the photos of one case"
        findings.problems.append(f"column {key!r} has {value} in rows {where} with {problem}")
    return cells


def _columns_of(join: Join, declaration: Declaration) -> list[str]:
    return list(join.columns) or declaration.label_columns


def _join(cells: pd.DataFrame, join: Join, folder: Path, declaration: Declaration, findings: Findings) -> pd.DataFrame:
    path, columns = folder / join.file, _columns_of(join, declaration)
    holds_label = set(declaration.label_columns) <= set(columns)
    taken = [LABEL] if holds_label and declaration.one_hot else columns
    if not path.is_file():
        if not join.optional:
            raise DataError(f"{path} does not exist; {declaration.obtain}")
        findings.remarks += [f"no {path.name}: cases without target"] if holds_label else []
        return cells.assign(**dict.fromkeys(taken, ""))
    beside = Findings(path, declaration.declared_in)
    _, others = _read(path, [join.on, *columns], declaration, beside)
    if blank := [int(row) for row in others.index[others[join.on] == ""]]:
        beside.problems.append(f"column {join.on!r} is blank in {name_rows(blank)}")
    others = _merge_repeats(others, join.on, [join.on, *columns], path, declaration, beside)
    beside.refuse_if_any()
    findings.remarks += beside.remarks
    lacking = list(dict.fromkeys(cells[join.on][~cells[join.on].isin(others[join.on])]))
    stray = list(others[join.on][~others[join.on].isin(cells[join.on])])
    _tell_partners(join, lacking, stray, path, findings)
    own = cells.drop(columns=taken, errors="ignore")
    return own.join(others.set_index(join.on)[taken], on=join.on).fillna("")


def _tell_partners(join: Join, lacking: list[str], stray: list[str], path: Path, findings: Findings) -> None:
    """Remarks on ids that one of two files lacks; problems where each id must be in both."""
    table = findings.path.name
    faults = [
        f"{len(alone)} values of {join.on} are in {holder} only: {first_of(sorted(alone), 3)}"
        for holder, alone in ((table, lacking), (path.name, stray))
        if alone
    ]
    if faults and join.every_row:
        findings.problems.append(f"{'; '.join(faults)}; keep the same ones in both files")
    else:
        findings.remarks += faults


def _one_hot(cells: pd.DataFrame, columns: Sequence[str], findings: Findings) -> list[str]:
    """The label of every row from columns of 0 and 1, however written (1, 1.0, 1e0), "" of a row that is blank there;
    other rows are problems."""
    labels = []
    for row, *written in cells[list(columns)].itertuples():
        try:
            numbers = [float(cell) for cell in written]
        except ValueError:
            numbers = []
        is_sound = len(numbers) == len(columns) and not set(numbers) - {0.0, 1.0}
        ones = [column for column, number in zip(columns, numbers, strict=True) if number] if is_sound else []
        if len(ones) > 1:
            findings.problems.append(f"row {row} has a 1 under {' and '.join(ones)}: {ONE_DIAGNOSIS}")
        elif not ones and any(written):
            problem = f"must have one 1 and else 0 under {', '.join(columns)}"
            findings.problems.append(f"row {row} {problem}, however: {' '.join(written)}")
        labels.append(ones[0] if ones else "")
    return labels
