"""Text that remembers of what it was made, so that a page can say it in another language, or to another reader."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from typing import Self


class Sentence(str):
    """A text in English, made of a template and values; with no values, the template itself.

    It is a plain string wherever one is wanted. `mmskin.language` says it by its template in other words: whatever can
    reach the clinician's page is one of these.

    Args:
        template: English, with values by name, "{n} cases of {title}".
        values: strings, sentences, numbers, or lists of these, which are told with a comma between.
    """

    template: str
    values: Mapping[str, object]

    def __new__(cls, template: str, **values: object) -> Self:
        made = super().__new__(cls, template.format_map(_told(values, str)) if values else template)
        made.template, made.values = template, values
        return made

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, object]]:
        return (self.template,), dict(self.values)

    def worded(self, template: str, say: Callable[[str], str]) -> str:
        """The same by another template, its values in other words."""
        return template.format_map(_told(self.values, say)) if self.values else template


class Named(str):
    """The name of a field or a class, which a reader of the page knows by its title."""

    known_as: str

    def __new__(cls, name: str, known_as: str) -> Self:
        made = super().__new__(cls, name)
        made.known_as = known_as
        return made

    def __getnewargs_ex__(self) -> tuple[tuple[str, str], dict[str, object]]:
        return (str(self), self.known_as), {}


def joined(sentences: Iterable[str]) -> str:
    """Several as one, with semicolons between; "" of none."""
    every = list(sentences)
    return reduce(lambda first, rest: Sentence("{first}; {rest}", first=first, rest=rest), every) if every else ""


def all_of(parts: Sequence[str]) -> str:
    """One part or more as people list them: "a, b and c"."""
    return Sentence("{first} and {last}", first=parts[:-1], last=parts[-1]) if len(parts) > 1 else parts[0]


def _told(values: Mapping[str, object], say: Callable[[str], str]) -> dict[str, object]:
    def told(value: object) -> object:
        if isinstance(value, str):
            return say(value)
        return ", ".join(str(told(one)) for one in value) if isinstance(value, list | tuple) else value

    return {name: told(value) for name, value in values.items()}
