"""The cases of any data set with age, sex, body site and skin tone in one vocabulary, the originals kept beside it."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from mmskin.data.table import Cases, rename_columns
from mmskin.data.tables.declaration import CommonWords, is_declared, read_declaration
from mmskin.data.vocabulary import AGE, AGE_GROUP, COMMON, SEX, SITE, SKIN_TONE, age_group
from mmskin.errors import DataError, first_of
from mmskin.schema import Field

_NAMES = tuple(field.name for field in COMMON)
_SKIN_TONE_GROUP = "skin_tone_group"
_SUBGROUPS = (SEX.name, AGE_GROUP.name, SITE.name, _SKIN_TONE_GROUP)
_MADE_HERE = {*_NAMES, *(f"{name}_original" for name in _NAMES), *_SUBGROUPS}


def in_common_words(cases: Cases, *, source: str) -> Cases:
    """The same cases with the fields of `mmskin.data.vocabulary.COMMON` first, as far as the source records them.

    A column that tells one of them becomes up to three:
        age, sex, site, skin_tone: in the common words, where the source declares it as a field. What is no input there,
            such as a skin tone that was judged from the photo, is none here.
        age_original and so on: as the source has it.
        age_group, skin_tone_group: for reports, input or not.
    Other columns stay. One that happens to have such a name gets the source's name as prefix.

    Args:
        cases: as the source gives them.
        source: its name in the table of sources, whose declaration says what its values are in common words. Columns of
            which it says nothing must have the common name and the common words.

    Raises:
        DataError: values without a common word, all of a column at once.
    """
    schema = cases.schema
    translations = {name: CommonWords(column=name) for name in _NAMES if name in schema.field_names}
    if is_declared(source):
        translations |= read_declaration(source).common
    told = [field for field in COMMON if field.name in translations]
    common_name = {translations[field.name].column: field.name for field in told}
    words = {f.name: _translate(cases, f, translations[f.name]) for f in (*COMMON, AGE_GROUP) if f.name in translations}
    foreign = [name for name in (*schema.field_names, *schema.outcomes) if name in _MADE_HERE - set(common_name)]
    own = rename_columns(cases, common_name | {name: f"{source}_{name}" for name in foreign})
    inputs = [field for field in told if field.name in own.schema.field_names]
    made = {
        **{field.name: words[field.name] for field in inputs},
        **{f"{name}_original": cases.table[column] for column, name in common_name.items()},
        **_groups(words),
    }
    table = own.table.drop(columns=[name for name in own.table if name in _MADE_HERE]).assign(**made)
    others = [field for field in own.schema.fields if field.name not in _NAMES]
    subgroups = [name for name in _SUBGROUPS if name in made]
    subgroups += [name for name in schema.subgroups if name not in _MADE_HERE | set(common_name)]
    declared = {"fields": (*inputs, *others), "subgroups": tuple(subgroups)}
    return own._replace(schema=own.schema.model_copy(update=declared), table=table)


def _groups(words: Mapping[str, pd.Series]) -> dict[str, pd.Series]:
    """Age in bands and the skin tone, for reports. The band of a known age, unless the source tells bands only."""
    groups = {}
    if AGE_GROUP.name in words:
        groups[AGE_GROUP.name] = words[AGE_GROUP.name]
    elif AGE.name in words:
        ages = words[AGE.name]
        groups[AGE_GROUP.name] = pd.Series([age_group(age) for age in ages], index=ages.index, dtype=object)
    if SKIN_TONE.name in words:
        groups[_SKIN_TONE_GROUP] = words[SKIN_TONE.name]
    return groups


def _translate(cases: Cases, field: Field, translation: CommonWords) -> pd.Series:
    """A column of the source as values of a common field, object with None."""
    said = translation.said
    values = [None if pd.isna(value) else value for value in cases.table[translation.column]]
    words: dict[object, object] = {None: None}
    faults = []
    for value in dict.fromkeys(values):
        try:
            words[value] = None if value is None else field.parse(said.get(value, value))
        except DataError as error:
            faults.append(str(error))
    if faults:
        raise DataError(
            f"{cases.schema.name}: {len(faults)} values of {translation.column!r} have no common word: "
            f"{first_of(faults, 3)}"
        )
    return pd.Series([words[value] for value in values], index=cases.table.index, dtype=object)
