"""Several data sets as one: a list of classes and a vocabulary in common, every original value kept."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from mmskin.config.build import build
from mmskin.data.class_map import ClassMap, Labelled, read_class_map
from mmskin.data.common_words import in_common_words
from mmskin.data.sources import SOURCES
from mmskin.data.table import Cases, Source, check_table, make_table, rename_columns
from mmskin.data.vocabulary import COMMON
from mmskin.errors import ConfigError, first_of
from mmskin.schema import Field, Schema, common_unit

SOURCE = "source"
_IDS = ("case_id", "patient_id", "lesion_id")
_OFFICIAL_SPLIT = "official_split"  # of a part, not of the whole

Labels = Mapping[str, str | None]


class Joined:
    """Several data sets on one list of classes, with age, sex, body site and skin tone in common words.

        name: joined
        classes: configs/joined/classes.yaml
        sources:
          pad: {name: pad_ufes_20, root: /data/pad}
          ham: {name: ham10000, root: /data/ham}

    *Classes.* The file `classes` says what each label of each source is on the common list, or null
    (`mmskin.data.class_map`). A case whose label is null has no target, which is not the same as a negative one. A
    class that no label of a source maps to is unknown to that source.

    *Photos.* Kinds of photo go together by name.

    *Fields.* `age`, `sex`, `site` and `skin_tone` are in the words of `mmskin.data.vocabulary`, by the declarations of
    the sources (`common`); what the source said is kept in `<field>_original`. Other fields keep their name if all
    sources that have it declare it alike, and get the source's key as prefix otherwise.

    *Known biases.*
    - **Where a case comes from tells its class.** Sources have other classes and other shares of them; camera,
      dermoscope and clinic show in the photo. `source` is a subgroup: read results by source.
    - **Which fields are recorded tells the source.** Fields that some source lacks are in the `optional_block`, with
      the optional blocks of the sources. A case is fully recorded only if it has them all; there may be none.
    - Equal words are not equal measurements: see `mmskin.data.vocabulary` on skin tone.
    - The same photo may be in two sources (HAM10000 is part of ISIC 2019): equal bytes are tied by `data.conflicts`.

    *Ids* have the source's key before them, "pad:PAT_1": those of two sources cannot collide.
    *Split.* None is official; official splits of the sources are not carried over.

    *Licence* and *citation* are those of all sources together.

    Args:
        classes: the class map, a YAML file. A relative path counts from where the command is run.
        sources: by key (letters, digits, _), the `name` and `root` of each and its own options. A relative root counts
            from `data.root`.
    """

    def __init__(
        self,
        table: Mapping[str, Callable[..., Source]] = SOURCES,
        *,
        classes: str,
        sources: Mapping[str, Mapping[str, Any]],
    ) -> None:
        if not isinstance(sources, Mapping) or not sources:
            raise ConfigError(f"sources must be like {{ham: {{name: ham10000, root: /data/ham}}}}, however: {sources}")
        for key, spec in sources.items():
            _check_spec(key, spec)
        self.classes = classes
        self.roots = {key: Path(spec["root"]).expanduser() for key, spec in sources.items()}
        self.names = {key: str(spec["name"]) for key, spec in sources.items()}
        self.sources = {
            key: build("source", table, {option: value for option, value in spec.items() if option != "root"})
            for key, spec in sources.items()
        }

    def load(self, root: str | Path) -> Cases:
        """Load every source, put it on the common list and in common words, and set one under the other.

        Raises:
            ConfigError: the class map does not fit, see `ClassMap.of`.
            DataError: a source cannot be read; values without a common word.
        """
        class_map = read_class_map(Path(self.classes).expanduser())
        folders = {key: str(Path(root) / self.roots[key]) for key in self.sources}
        read = {key: check_table(source.load(folders[key])) for key, source in self.sources.items()}
        labels = class_map.of([Labelled(key, self.names[key], cases.schema.classes) for key, cases in read.items()])
        parts = _prefix_clashing({key: in_common_words(read[key], source=self.names[key]) for key in read})
        schema = _schema(parts, class_map)
        rows = pd.concat([_rows(key, cases, labels[key]) for key, cases in parts.items()], ignore_index=True)
        # what a source does not have is None, where pandas puts NaN
        filled = {str(name): list(column.where(column.notna(), None)) for name, column in rows.items()}
        table = make_table(schema, filled)
        remarks = [told for key, cases in parts.items() for told in _remarks(key, cases, labels[key], schema)]
        absent = tuple(f"{key}: {photo}" for key, cases in read.items() for photo in cases.absent_photos)
        return check_table(Cases(schema, table, (*remarks, *_blank_by_source(schema, parts)), absent))


def _check_spec(key: str, spec: Mapping[str, Any]) -> None:
    if not str(key).isidentifier():  # a key with ":" could make two ids one
        raise ConfigError(f"sources: the key {key!r} must be of letters, digits and _, and begin with a letter")
    if not isinstance(spec, Mapping) or not isinstance(spec.get("root"), str):
        raise ConfigError(f"sources.{key} must be like {{name: ham10000, root: /data/ham}}, however: {spec}")
    if spec.get("name") == "joined":
        raise ConfigError(f"sources.{key}: joined sources are not joined again; name its sources here instead")


def _prefix_clashing(parts: Mapping[str, Cases]) -> dict[str, Cases]:
    """Names that two sources declare differently get the source's key as prefix, in both."""
    declared: dict[str, list[object]] = defaultdict(list)
    for cases in parts.values():
        for name, what in _declarations(cases.schema).items():
            declared[name].append(what)
    clashing = {name for name, all_of in declared.items() if any(what != all_of[0] for what in all_of)} | {SOURCE}
    return {
        key: rename_columns(cases, {n: f"{key}_{n}" for n in _declarations(cases.schema) if n in clashing})
        for key, cases in parts.items()
    }


def _declarations(schema: Schema) -> dict[str, object]:
    """What a source says about each of its columns: the field, the reason why it is an outcome, or nothing more."""
    fields = {field.name: _without_own_words(field) for field in schema.fields}
    return {**dict.fromkeys(schema.subgroups), **schema.outcomes, **fields}


def _without_own_words(field: Field) -> Field:
    """The field without the words of one table, which mean nothing in the others."""
    return field.model_copy(update={"values": {}})


def _schema(parts: Mapping[str, Cases], class_map: ClassMap) -> Schema:
    schemas = [cases.schema for cases in parts.values()]
    fields = {field.name: field for field in COMMON}
    fields |= {field.name: _without_own_words(field) for schema in schemas for field in schema.fields}
    holders = Counter(name for schema in schemas for name in schema.field_names)
    blocks = {name for schema in schemas for name in schema.optional_block}
    return Schema(
        name="joined",
        photos=tuple(dict.fromkeys(kind for schema in schemas for kind in schema.photos)),
        classes=tuple(class_map.classes),
        class_titles=class_map.classes,
        class_groups=class_map.groups,
        fields=tuple(field for name, field in fields.items() if holders[name]),
        optional_block=tuple(name for name in fields if name in blocks or 0 < holders[name] < len(parts)),
        patient_unit=common_unit({schema.patient_unit for schema in schemas}),
        subgroups=tuple(dict.fromkeys([SOURCE, *(name for schema in schemas for name in schema.subgroups)])),
        outcomes={name: reason for schema in schemas for name, reason in schema.outcomes.items()},
        red_flags=tuple({flag.reason: flag for schema in schemas for flag in schema.red_flags}.values()),
        licence="; ".join(f"{key}: {cases.schema.licence or 'not stated'}" for key, cases in parts.items()),
        citation="; ".join(f"{key}: {cases.schema.citation or 'not stated'}" for key, cases in parts.items()),
    )


def _rows(key: str, cases: Cases, labels: Labels) -> pd.DataFrame:
    """The table of a source with ids that are its own and targets on the common list."""
    table = cases.table.drop(columns=_OFFICIAL_SPLIT, errors="ignore")
    columns: dict[str, list[Any]] = {
        name: [None if pd.isna(value) else f"{key}:{value}" for value in table[name]] for name in _IDS
    }
    columns["target"] = [None if pd.isna(label) else labels[label] for label in table.target]
    columns[SOURCE] = [key] * len(table)
    return table.assign(**{name: pd.Series(values, dtype=object) for name, values in columns.items()})


def _remarks(key: str, cases: Cases, labels: Labels, schema: Schema) -> list[str]:
    """What a source says, and what is lost of it on the common list."""
    told = list(cases.remarks)
    lost = Counter(label for label in cases.table.target.dropna() if labels[label] is None)
    if lost:
        counts = ", ".join(f"{label} {count}" for label, count in sorted(lost.items()))
        told.append(f"{lost.total()} cases with labels that the class list cannot tell ({counts}): without target")
    unknown = [name for name in schema.classes if name not in labels.values()]
    if unknown:
        told.append(f"cannot know {', '.join(unknown)}: no label of it is mapped there")
    absent = [field.name for field in COMMON if field.name not in cases.schema.field_names]
    if absent:
        told.append(f"has no field {', '.join(absent)}")
    return [f"{key}: {remark}" for remark in told]


def _blank_by_source(schema: Schema, parts: Mapping[str, Cases]) -> list[str]:
    partly = [name for name in schema.field_names if any(name not in c.schema.field_names for c in parts.values())]
    if not partly:
        return []
    return [
        f"{len(partly)} of {len(schema.fields)} fields are not in every source ({first_of(partly)}): whether they are "
        "recorded tells the source, and with it much of the class"
    ]
