"""The page's own words in the language in which it was started: `w.ANSWER` is that of `mmskin.page.words`, worded.

A page is started in one language, as it is started with one model: `w.speak` says in which.
"""

from __future__ import annotations

from typing import Any

from mmskin.features import photo_title
from mmskin.language import read_language
from mmskin.page import words
from mmskin.sentence import Sentence


class Spoken:
    """Everything in `mmskin.page.words` by its name, and what the library says, in one language."""

    def __init__(self) -> None:
        self._language = read_language()

    def speak(self, code: str) -> None:
        """Say everything in another language from now on.

        Raises:
            UserError: there is none of that code.
        """
        self._language = read_language(code)

    @property
    def code(self) -> str:
        """Of the language, such as "en"."""
        return self._language.code

    def say(self, text: str) -> str:
        """What the library or a data set says."""
        return self._language.say(text)

    def modality(self, name: str) -> str:
        """What a modality is called in a sentence."""
        return self.say(words.MODALITIES.get(name) or Sentence("the {photo}", photo=photo_title(name)))

    def __getattr__(self, name: str) -> Any:
        return self._said(getattr(words, name))

    def _said(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._said(inner) for key, inner in value.items()}
        if isinstance(value, tuple):
            return tuple(map(self._said, value))
        return self.say(value) if isinstance(value, str) else value


w = Spoken()
