"""What is likely to be wrong with somebody's own table although every cell can be read."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

from mmskin.data.suspicions import alike_labels, giveaways, labels_in_texts, shared_photos
from mmskin.data.tables.declaration import Declaration
from mmskin.data.tables.engine import Values
from mmskin.data.tables.rows import Rows
from mmskin.errors import first_of


def suspect(declaration: Declaration, rows: Rows, values: Values) -> None:
    """Problems and remarks of a table that nobody has read before go to the findings of its rows."""
    findings, targets = rows.findings, values["target"]
    if declaration.target:
        _suspect_labels(declaration.target, declaration.labels, rows)
    counts = Counter(target for target in targets if target is not None)
    if len(counts) < 2:
        columns_of_label = first_of([repr(column) for column in declaration.label_columns])
        findings.problems.append(f"column {columns_of_label}: two classes are needed, however: {dict(counts)}")
    of_cases = rows.cells.drop_duplicates(declaration.case) if declaration.layout.rows_are_photos else rows.cells
    differing, agreeing = shared_photos([int(row) for row in of_cases.index], values["images"], targets)
    findings.problems += [f"photo {told}; a photo has one label" for told in differing]
    if agreeing:
        findings.remarks.append(f"{len(agreeing)} photos stand in several rows: {first_of(agreeing, 5)}")
    findings.remarks += _equal_rows(rows)
    labelled = [place for place, target in enumerate(targets) if target is not None]
    columns = {name: [values[name][place] for place in labelled] for name in declaration.fields}
    findings.remarks += giveaways(columns, [str(targets[place]) for place in labelled])
    holding = labels_in_texts(values["text"], targets)
    if holding:
        told = f"{holding} free texts hold their label word for word: were they written after the diagnosis?"
        findings.remarks.append(told)


def _suspect_labels(column: str, meant: Mapping[str, str | None], rows: Rows) -> None:
    pairs = zip(rows.cells.index, rows.cells[column], strict=True)
    labels = {int(row): cell for row, cell in pairs if cell and cell not in meant}
    for told in alike_labels(labels):
        rows.findings.problems.append(
            f"column {column!r}: one class spelled differently? {told}; mend them, or say what one means by labels: "
            "{other spelling: class}"
        )


def _equal_rows(rows: Rows) -> list[str]:
    where: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for row, cells in zip(rows.cells.index, rows.cells.itertuples(index=False, name=None), strict=True):
        where[cells].append(int(row))
    equal = [" = ".join(map(str, numbers)) for numbers in where.values() if len(numbers) > 1]
    return [f"rows equal in every cell: {first_of(equal)}"] if equal else []
