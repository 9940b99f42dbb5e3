from __future__ import annotations

import numpy as np
import pytest

from mmskin.teaching.grammar import expand, needed, parsed


def said(template: str, **slots: str) -> set[str | None]:
    """All that a template says in many draws."""
    rng = np.random.default_rng(0)
    return {expand(template, rng, {name: lambda word=word: word for name, word in slots.items()}) for _ in range(200)}


def test_one_of_several_is_said_and_an_optional_part_is_there_or_not() -> None:
    assert said("a (red|blue|) spot") == {"a red spot", "a blue spot", "a  spot"}
    assert said("spot[ here]") == {"spot", "spot here"}
    assert said("(a[b]|c(d|e))") == {"a", "ab", "cd", "ce"}


def test_a_slot_with_nothing_to_say_takes_its_optional_part_along_and_refuses_a_template_that_needs_it() -> None:
    assert said("spot[ on the {p}]") == {"spot"}
    assert said("spot[ on the {p}]", p="arm") == {"spot", "spot on the arm"}
    assert said("spot on the {p}") == {None}
    assert said("(on {p}|here)") == {"here"}
    assert needed(parsed("{it} (on {p}|of {p})[ for {d}]")) == {"it", "p"}


def test_a_bracket_without_its_other_half_is_refused() -> None:
    for template in ("a (b", "a [b", "a b)", "a]"):
        with pytest.raises((ValueError, IndexError)):
            parsed(template)
