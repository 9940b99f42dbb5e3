from __future__ import annotations

import subprocess
import sys
from functools import partial
from importlib.metadata import EntryPoint

import pytest

from mmskin.config import parts as module
from mmskin.config.build import build
from mmskin.config.parts import Copies, Parts, Place
from mmskin.errors import ConfigError
from mmskin.fusion import FUSIONS


def table() -> Parts[object]:
    places = {"counter": "collections:Counter", "hex": Place("builtins:int", ("ff",))}
    return Parts("box", places, group="mmskin.boxes")


def offer(monkeypatch: pytest.MonkeyPatch, *points: tuple[str, str]) -> list[str]:
    """Pretend that packages offer these entry points; the list tells which groups were looked up."""
    asked: list[str] = []

    def entry_points(group: str) -> list[EntryPoint]:
        asked.append(group)
        return [EntryPoint(name, value, group) for name, value in points]

    monkeypatch.setattr(module, "entry_points", entry_points)
    return asked


def test_a_name_gives_the_constructor_with_the_leading_arguments_of_the_table() -> None:
    assert table()["counter"]("aab")["a"] == 2  # type: ignore[index]
    found = table()["hex"]
    assert isinstance(found, partial)
    assert found(16) == 255
    assert build("box", table(), {"name": "counter"}, "ab") == {"a": 1, "b": 1}


def test_a_part_can_be_added_and_a_taken_name_is_refused() -> None:
    boxes = table()
    boxes.add("list", list)
    assert boxes["list"] is list
    assert list(boxes) == ["counter", "hex", "list"]
    for taken in ("list", "counter"):
        with pytest.raises(ConfigError, match=f"there is a box '{taken}' already; choose another name"):
            boxes.add(taken, dict)
    assert "list" not in table()


def test_the_same_definition_again_replaces_the_part_and_says_where_it_comes_from() -> None:
    def define() -> type:
        class Mine:
            pass

        return Mine

    boxes = table()
    first, second = define(), define()
    boxes.add("mine", first)
    boxes.add("mine", second)
    assert boxes["mine"] is second
    assert boxes.added == {"mine": second}
    assert boxes.origin("mine") == f"{__name__}:{second.__qualname__}"
    assert boxes.origin("counter") == ""
    assert len(boxes.source_digest("mine")) == 16


def test_copies_of_an_instance_are_fresh_ones() -> None:
    given = [1]
    copies = Copies(given)
    copies("any", "context").append(2)
    assert (given, copies()) == ([1], [1])


def test_entry_points_are_looked_up_only_for_a_name_of_none_of_the_others_or_for_all_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = offer(monkeypatch, ("deque", "collections:deque"), ("counter", "collections:deque"))
    boxes = table()
    assert "counter" in boxes
    assert boxes["counter"]("a") == {"a": 1}  # mmskin's own: a package cannot take its name
    assert asked == []
    assert "deque" in boxes
    assert boxes["deque"]("ab").pop() == "b"  # type: ignore[attr-defined]
    assert list(boxes) == ["counter", "hex", "deque"]
    assert len(boxes) == 3
    assert asked == ["mmskin.boxes"]
    assert "deque" not in Parts("box", {})


def test_tables_that_share_a_group_are_told_apart_by_the_beginning_of_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, ("red.one", "collections:deque"), ("blue.two", "collections:Counter"))
    assert list(Parts("box", {}, group="mmskin.boxes", prefix="red.")) == ["one"]
    assert Parts("box", {}, group="mmskin.boxes", prefix="blue.")["two"]("a") == {"a": 1}


def test_an_entry_point_that_cannot_be_imported_is_one_plain_line(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, ("mine", "no_such_package.boxes:Mine"))
    with pytest.raises(ConfigError) as caught:
        build("box", table(), {"name": "mine"})
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(
        "box 'mine' cannot be imported (no_such_package.boxes:Mine): ModuleNotFoundError"
    )
    with pytest.raises(ConfigError, match=r"box 'mne' does not exist\. Did you mean 'mine'"):
        build("box", table(), {"name": "mne"})


def test_the_tables_are_imported_and_asked_without_torch() -> None:
    code = (
        "import sys\n"
        "from mmskin.benchmark.baselines import BASELINES\n"
        "from mmskin.encoders import IMAGE_ENCODERS, METADATA_ENCODERS, TEXT_ENCODERS\n"
        "from mmskin.fusion import FUSIONS\n"
        "from mmskin.losses import LOSSES\n"
        "from mmskin.config.declared import declared\n"
        "for table in (BASELINES, IMAGE_ENCODERS, METADATA_ENCODERS, TEXT_ENCODERS, FUSIONS, LOSSES):\n"
        "    assert all(declared(table, name).doc for name in table)\n"
        "assert 'late' in FUSIONS and 'lat' not in FUSIONS\n"
        "assert not {'torch', 'pandas', 'sklearn'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_place_of_a_table_is_there() -> None:
    assert all(callable(FUSIONS[name]) for name in FUSIONS)
