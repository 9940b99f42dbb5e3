"""Part of a data set: the rows and the classes that a question is about. What is left out is counted in the remarks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pandas as pd

from mmskin.data.table import Cases
from mmskin.errors import ConfigError, first_of, one_of
from mmskin.schema import Schema

Where = Mapping[str, Sequence[object]]
"""By column, the values of the rows that stay; None stands for a cell that holds nothing."""
Classes = Mapping[str, Sequence[str]]
"""By class, the classes of the source that it is made of; one alone keeps its title."""


def rows_where(cases: Cases, where: Where) -> Cases:
    """The cases that have one of the values in every column named.

    Raises:
        ConfigError: no such column, a value that no case has, or no case left.
    """
    kept = pd.Series(True, index=cases.table.index)
    for column, values in where.items():
        if column not in cases.table.columns:
            raise ConfigError(f"data.where: {one_of('column', column, [str(name) for name in cases.table.columns])}")
        cells = cases.table[column].map(_word)
        asked = {_word(value) for value in values}
        unmet = sorted(asked - set(cells))
        if unmet:
            raise ConfigError(f"data.where.{column}: {one_of('value', unmet[0], sorted(set(cells)))}")
        kept &= cells.isin(asked)
    if not kept.any():
        raise ConfigError(f"data.where leaves no case of {cases.schema.name}: {dict(where)}")
    left_out = int((~kept).sum())
    told = f"{left_out:,} of {len(kept):,} cases are left out by data.where: {_told(where)}"
    return cases._replace(table=cases.table[kept].reset_index(drop=True), remarks=(*cases.remarks, told))


def with_classes(cases: Cases, classes: Classes) -> Cases:
    """The cases under other classes: some of the source's joined, others left out. Cases without a label stay so.

    A group of classes stays as far as it is made of whole classes.

    Raises:
        ConfigError: fewer than two classes, one that the source has not, or one in two places.
    """
    schema = cases.schema
    named = [source for members in classes.values() for source in members]
    for source in named:
        if source not in schema.classes:
            raise ConfigError(f"data.classes: {one_of(f'class of {schema.name}', source, schema.classes)}")
    if twice := [source for source, count in Counter(named).items() if count > 1]:
        raise ConfigError(f"data.classes: {twice[0]} stands in two classes; a case has one")
    if len(classes) < 2:
        raise ConfigError(f"data.classes: two classes or more are needed, however: {first_of(list(classes)) or 'none'}")
    target = cases.table["target"]
    becomes = {source: name for name, members in classes.items() for source in members}
    dropped = target.notna() & ~target.isin(named)
    table = cases.table.assign(target=target.map(becomes).astype(object).where(target.notna(), None))
    told = [f"classes joined by data.classes: {', '.join(_joined(classes))}"] if _joined(classes) else []
    if dropped.any():
        counts = [f"{name} {count:,}" for name, count in target[dropped].value_counts(sort=False).items()]
        told.append(f"{dropped.sum():,} cases of other classes are left out by data.classes: {first_of(counts, 20)}")
    return cases._replace(
        schema=_schema(schema, classes), table=table[~dropped].reset_index(drop=True), remarks=(*cases.remarks, *told)
    )


def _schema(schema: Schema, classes: Classes) -> Schema:
    alone = {name: schema.class_titles.get(name) for name, of in classes.items() if [*of] == [name]}
    left = {source for of in classes.values() for source in of}
    groups = {}
    for group, members in schema.class_groups.items():
        inside = [name for name, of in classes.items() if set(of) <= set(members)]
        covered = {source for name in inside for source in classes[name]}
        if inside and covered == left & set(members):  # no class reaches over its border
            groups[group] = tuple(inside)
    titles = {name: title for name, title in alone.items() if title}
    information = {name: of for name, of in schema.class_information.items() if name in alone}
    return schema.model_copy(
        update={
            "classes": tuple(classes),
            "class_titles": titles,
            "class_information": information,
            "class_groups": groups,
        }
    )


def _joined(classes: Classes) -> list[str]:
    return [f"{name} of {' and '.join(of)}" for name, of in classes.items() if len(of) > 1]


def _word(value: object) -> str:
    """A cell as it is compared: 62 and 62.0 are one number, nothing is "not recorded"."""
    if value is None or (isinstance(value, float) and value != value):
        return "not recorded"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _told(where: Where) -> str:
    return "; ".join(f"{column} in {', '.join(map(_word, values))}" for column, values in where.items())
