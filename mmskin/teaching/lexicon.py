"""The words for what is declared: which concept of `wordings.yaml` a field is, and how its values are told."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from mmskin.config.yaml_files import read_yaml
from mmskin.schema import Field, Schema

Style = Literal["shorthand", "voice", "letter"]
STYLES: tuple[Style, ...] = ("shorthand", "voice", "letter")
Hold = Literal["seen", "unseen", "all"]
"""Which wordings: those that are taught, those that are held out to test with, or both."""
HELD_OUT = 8
"""One wording of so many is held out, where there are so many that one can be spared."""

AGE, SEX, DURATION, SITE, DIAMETER = "age", "sex", "duration", "site", "diameter"
Templates = Sequence[str]


@lru_cache(maxsize=1)
def lexicon() -> dict[str, Any]:
    """The content of wordings.yaml."""
    return read_yaml(Path(__file__).with_name("wordings.yaml"))


def concept_of(field: Field) -> str:
    """The concept that a field is, by its kind and its name; "" for none of those that have words of their own."""
    words = lexicon()
    name = field.name.lower()
    parts = set(re.split(r"[_\W]+", name))
    if field.kind == "duration":
        return DURATION
    if field.kind == "numeric":
        if field.unit == "years" and (name in words[AGE]["names"] or AGE in parts):
            return AGE
        return DIAMETER if field.unit in ("mm", "cm") else ""
    if field.kind == "categorical":
        if name in words[SEX]["names"]:
            return SEX
        return SITE if name in words[SITE]["names"] or _are_sites(field.choices) else ""
    concepts: Mapping[str, Any] = words["yes_no"]
    exact = [concept for concept, entry in concepts.items() if name in entry["names"]]
    if exact:
        return exact[0]
    if len(parts) > 2:  # a long name says more than one of its words
        return ""
    near = [concept for concept, entry in concepts.items() if parts & set(entry["names"])]
    return near[0] if len(near) == 1 else ""


def concepts_of(schema: Schema) -> dict[str, str]:
    """By field, its concept; each concept is that of the first such field alone."""
    found: dict[str, str] = {}
    for field in schema.fields:
        concept = concept_of(field)
        found[field.name] = "" if concept in found.values() and concept != DIAMETER else concept
    return found


def places_of(choice: str) -> tuple[str, ...]:
    """What people say for a site, the choice's own words among it."""
    words = lexicon()[SITE]
    plain = choice.lower().replace("_", " ")
    if plain in words["places"]:
        return tuple(words["places"][plain])
    alike = words["alike"].get(plain, words["alike"].get(choice.lower(), ()))
    tokens = [token for token in re.split(r"[\s/,]+", plain) if token in words["places"]]
    return (plain, *(place for site in (alike or tokens) for place in words["places"][site]))


def _are_sites(choices: Sequence[str]) -> bool:
    """Whether at least half of the choices are words for a part of the body."""
    words = lexicon()[SITE]
    known = {*words["places"], *words["alike"]}
    return 2 * sum(choice.lower().replace("_", " ") in known for choice in choices) >= len(choices)


def of_style(entry: Mapping[str, Templates], style: Style) -> list[str]:
    """The templates of a style and those of any."""
    return [*entry.get("any", ()), *entry.get(style, ())]


def held(templates: Templates, hold: Hold) -> list[str]:
    """Those of the wordings that are asked for; all of them where a list is too short for one to be held out.

    Which one it is follows from its words, so that another one in the list changes nothing.
    """
    if hold == "all" or len(templates) < HELD_OUT // 2:
        return list(templates)
    unseen = [template for template in templates if zlib.crc32(template.encode()) % HELD_OUT == 0]
    chosen = unseen if hold == "unseen" else [template for template in templates if template not in unseen]
    return chosen or list(templates)
