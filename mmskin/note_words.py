"""The words of a note, for whoever counts, marks or leaves out single ones.

Scripts that put no blanks between words are taken letter by letter: Han, kana, Hangul syllables, Thai.
"""

from __future__ import annotations

import re

UNSPACED = r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]"
_WORD = re.compile(rf"{UNSPACED}|(?:(?!{UNSPACED})\S)+")


def note_words(note: str) -> list[str]:
    """In order; of a text in Latin letters what stands between blanks.

    >>> note_words("it itches, since 2 weeks")
    ['it', 'itches,', 'since', '2', 'weeks']
    >>> note_words("痣变大 fast")
    ['痣', '变', '大', 'fast']
    """
    return _WORD.findall(note)


def word_at(note: str) -> dict[int, int]:
    """By position in the note, the word that stands there."""
    return {at: index for index, word in enumerate(_WORD.finditer(note)) for at in range(*word.span())}
