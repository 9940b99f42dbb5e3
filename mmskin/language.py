"""What is said to a person, in the words of one language.

A language is one file in `mmskin/languages`: pairs of the English template and what is said in its place, values by the
same names. That of English holds only what the page says in other words than the library does to its programmers.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from ruamel.yaml import YAML

from mmskin.errors import UserError, one_of
from mmskin.sentence import Named, Sentence

ENGLISH = "en"


class Language:
    """Says what the library and the page say in English.

    Args:
        code: such as "de".
        wordings: by English template what is said instead.
    """

    def __init__(self, code: str, wordings: Mapping[str, str]) -> None:
        self.code, self.wordings = code, wordings

    def say(self, text: str) -> str:
        """A text in this language: a `Sentence` by its template, a `Named` by its title, else as it stands in the file.

        What the file does not hold stays as it is, such as a patient's words or the titles of one's own data set.
        """
        if isinstance(text, Named):
            return self.say(text.known_as)
        if isinstance(text, Sentence):
            return text.worded(self.wordings.get(text.template, text.template), self.say)
        return self.wordings.get(text, str(text))


def languages() -> list[str]:
    """The codes of those that there are."""
    found = (path.name for path in files("mmskin.languages").iterdir())
    return sorted(name.removesuffix(".yaml") for name in found if name.endswith(".yaml"))


@cache
def read_language(code: str = ENGLISH) -> Language:
    """The language of that code.

    Raises:
        UserError: there is none; names those that there are.
    """
    if code not in languages():
        raise UserError(one_of("language", code, languages()))
    pairs = YAML(typ="safe").load(files("mmskin.languages").joinpath(f"{code}.yaml").read_text(encoding="utf-8"))
    return Language(code, {pair[ENGLISH]: pair["say"] for pair in pairs or []})
