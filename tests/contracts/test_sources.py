"""What every data set in the table promises, on the invented copy that `tests/data/make_<name>.py` writes.

A new data set is picked up here by its line in the table of sources. `csv`, `folders` and `joined` are ways to read
data sets, not data sets: they have no declaration, and tests of their own.
"""

from __future__ import annotations

import csv
import importlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from mmskin.config.build import build
from mmskin.data.common_words import in_common_words
from mmskin.data.sources import SOURCES, data_card
from mmskin.data.table import Cases, check_table, photos_by_kind
from mmskin.data.tables.declaration import Declaration, is_declared, read_declaration
from mmskin.errors import DataError
from mmskin.schema import Schema

READERS = ("csv", "folders", "joined")
NAMES = [name for name in SOURCES if name not in READERS]
INVENTED = ("synthetic",)  # its sites are no places of a body that others have
Table = list[list[str]]


def maker(name: str) -> ModuleType:
    try:
        return importlib.import_module(f"data.make_{name}")
    except ModuleNotFoundError:
        pytest.fail(
            f"write tests/data/make_{name}.py with make_{name}(folder): a dozen invented patients in the layout, with "
            f"the column names and the dirt of {name}"
        )


@pytest.fixture(scope="module", params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture(scope="module")
def folder(name: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp(name)
    getattr(maker(name), f"make_{name}")(root)
    return root


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    """A copy that may be changed."""
    return Path(shutil.copytree(folder, tmp_path / "copy"))


@pytest.fixture(scope="module")
def declaration(name: str) -> Declaration:
    assert is_declared(name), f"write mmskin/data/sources/{name}.yaml"
    return read_declaration(name)


@pytest.fixture(scope="module")
def cases(name: str, folder: Path) -> Cases:
    return load(name, folder)


def load(name: str, root: Path) -> Cases:
    return build("source", SOURCES, {"name": name, **getattr(maker(name), "OPTIONS", {})}).load(str(root))


def files_of(declaration: Declaration, root: Path) -> list[Path]:
    """The table and those joined to it."""
    tables = [root / name for name in declaration.table if (root / name).is_file()]
    return [*tables[:1], *(path for join in declaration.joins if (path := root / join.file).is_file())]


def read(path: Path) -> Table:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def write(path: Path, rows: Table, *, end: str = "\n", mark: str = "") -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(mark)
        csv.writer(file, lineterminator=end).writerows(rows)


def required(name: str, declaration: Declaration, root: Path) -> Iterator[tuple[Path, int, str]]:
    """(file, place in its header, column) of all that is declared."""
    declared = {*declaration.columns, *(join.on for join in declaration.joins)}
    declared -= set(getattr(maker(name), "MAY_BE_ABSENT", ()))
    for path in files_of(declaration, root):
        for place, column in enumerate(read(path)[0]):
            if column in declared:
                yield path, place, column


def test_every_required_column_is_refused_by_name_and_file_when_renamed(
    name: str, declaration: Declaration, copy: Path
) -> None:
    columns = list(required(name, declaration, copy))
    assert columns
    for path, place, column in columns:
        rows = read(path)
        write(path, [[f"my_{cell}" if i == place else cell for i, cell in enumerate(rows[0])], *rows[1:]])
        with pytest.raises(DataError, match=rf"{path.name} lacks columns: .*'{column}'"):
            load(name, copy)
        write(path, rows)


def with_index(rows: Table) -> Table:
    """As pandas writes it, without a name."""
    return rows if rows[0][0] == "" else [["", *rows[0]], *([str(i), *row] for i, row in enumerate(rows[1:]))]


def turned_round(rows: Table) -> Table:
    """The columns from last to first; one without a name may only be the first, and is left out."""
    return [row[:0:-1] if rows[0][0] == "" else row[::-1] for row in rows]


def write_semicolons(path: Path, rows: Table) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";").writerows(rows)


def write_blanks(path: Path, rows: Table) -> None:
    write(path, [rows[0], *([f" {cell} " for cell in row] for row in rows[1:])])


DIRT: dict[str, Callable[[Path, Table], None]] = {
    "CRLF": lambda path, rows: write(path, rows, end="\r\n"),
    "byte order mark": lambda path, rows: write(path, rows, mark="\ufeff"),
    "index column": lambda path, rows: write(path, with_index(rows)),
    "columns in another order": lambda path, rows: write(path, turned_round(rows)),
    "semicolons": write_semicolons,
    "blanks around cells": write_blanks,
}


@pytest.mark.parametrize("dirt", DIRT)
def test_the_table_is_the_same_however_its_files_are_written(
    name: str, declaration: Declaration, copy: Path, dirt: str
) -> None:
    if declaration.delimiter and dirt == "semicolons":
        pytest.skip("its declaration names the delimiter")
    before = load(name, copy).table
    for path in files_of(declaration, copy):
        DIRT[dirt](path, read(path))
    assert load(name, copy).table.equals(before)


def test_the_table_keeps_the_promises_of_cases(cases: Cases) -> None:
    assert check_table(cases) is cases
    assert list(cases.table.index) == list(range(len(cases.table)))
    assert Schema.model_validate(cases.schema.to_json()) == cases.schema
    assert {*cases.schema.subgroups, *cases.schema.outcomes} <= set(cases.table.columns)


def test_ids_are_text(cases: Cases) -> None:
    for column in ("case_id", "patient_id", "lesion_id"):
        assert all(type(value) is str and value for value in cases.table[column]), column


def test_fields_hold_what_the_schema_admits(cases: Cases) -> None:
    for field in cases.schema.fields:
        assert [field.parse(value) for value in cases.table[field.name]] == list(cases.table[field.name])


def test_reading_twice_gives_the_same(name: str, folder: Path, cases: Cases) -> None:
    again = load(name, folder)
    assert again.schema == cases.schema
    assert again.remarks == cases.remarks
    assert again.table.equals(cases.table)


def test_the_data_card_tells_biases_licence_and_citation(name: str, declaration: Declaration, cases: Cases) -> None:
    card = data_card(name)
    assert card.splitlines()[0].endswith(".")
    assert len(card.splitlines()[0]) <= 120
    for part in ("*Known biases.*", "*Licence*", "*To obtain*"):
        assert part in card, part
    assert cases.schema.licence
    assert cases.schema.citation
    assert declaration.obtain


def test_every_declared_class_has_a_title_and_labels_lead_to_classes(declaration: Declaration, cases: Cases) -> None:
    schema = cases.schema
    if declaration.classes:  # otherwise the file's own words are the classes
        assert set(schema.class_titles) == set(schema.classes)
    assert set(declaration.labels.values()) - {None} <= set(declaration.classes)
    assert set(cases.table.target.dropna()) <= set(schema.classes)


def test_outcomes_are_refused_as_fields_and_are_not_read_as_such(declaration: Declaration, cases: Cases) -> None:
    for outcome in cases.schema.outcomes:
        with pytest.raises(DataError, match=rf"'{outcome}' is an outcome column of .* cannot be an input: \w"):
            cases.schema.field(outcome)
    assert not {spec.source_column for spec in declaration.fields.values()} & set(declaration.outcomes)


def test_photos_have_the_declared_kinds(declaration: Declaration, cases: Cases) -> None:
    assert cases.schema.photos == tuple(declaration.photos)
    for kind in declaration.photos:
        photos = [photo for of_case in photos_by_kind(cases.table, cases.schema) for photo in of_case[kind]]
        assert photos, kind
        assert all(Path(photo).is_file() and Path(photo).is_absolute() for photo in photos)


def test_site_and_skin_have_common_words(name: str, cases: Cases) -> None:
    if name in INVENTED:
        pytest.skip("invented")
    common = check_table(in_common_words(cases, source=name))
    assert len(common.table) == len(cases.table)


def test_a_value_that_is_not_declared_names_row_column_and_the_file_to_change(
    name: str, declaration: Declaration, copy: Path
) -> None:
    table = files_of(declaration, copy)[0]
    rows = read(table)
    specs = {**declaration.fields, **declaration.observed}
    for column in {spec.source_column for spec in specs.values() if (spec.kind or spec.like) != "numeric"} & {*rows[0]}:
        changed = [list(row) for row in rows]
        changed[1][rows[0].index(column)] = "no such word"
        write(table, changed)
        with pytest.raises(DataError) as caught:
            load(name, copy)
        assert f"row 2, column '{column}': " in str(caught.value)
        assert f"mmskin/data/sources/{name}.yaml" in str(caught.value)


def test_an_absent_table_says_how_to_get_it(name: str, declaration: Declaration, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        load(name, tmp_path)
    assert name in INVENTED or declaration.obtain in str(caught.value)


def test_a_data_set_without_an_invented_copy_is_told_which_file_to_write() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"write tests/data/make_nowhere\.py with make_nowhere"):
        maker("nowhere")


def test_the_table_of_sources_reads_no_declaration_when_it_is_imported() -> None:
    code = (
        "import mmskin.data.tables.declaration as d\n"
        "def refuse(*args, **kwargs): raise AssertionError(args)\n"
        "d.read_declaration = refuse\n"
        "import mmskin.data.sources"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
