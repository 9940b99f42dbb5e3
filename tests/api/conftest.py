"""Cases of the fake PAD-UFES-20, read once; and the package of somebody else, on the path."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import mmskin

OTHER_PACKAGE = Path(__file__).parents[1] / "fixtures" / "other_package"


@pytest.fixture(scope="module", autouse=True)
def _no_part_outlives_its_file() -> Iterator[None]:
    """What tests add to the tables of parts is taken out again, for other tests list them."""
    from mmskin.benchmark.run.added_parts import TABLES

    before = {what: table.added for what, table in TABLES.items()}
    yield
    for what, table in TABLES.items():
        table._added.clear()
        table._added.update(before[what])


@pytest.fixture(scope="session")
def pad_cases(pad_folder: Path) -> mmskin.Cases:
    return mmskin.read_source("pad_ufes_20", pad_folder)


@pytest.fixture
def other_package(monkeypatch: pytest.MonkeyPatch) -> Path:
    """`skin_mixer`, which offers a fusion as an entry point, and `skin_plugin`, which registers one."""
    from mmskin.fusion import FUSIONS

    monkeypatch.syspath_prepend(str(OTHER_PACKAGE))
    FUSIONS.__dict__.pop("_offered", None)  # entry points are looked up once a process
    yield OTHER_PACKAGE
    FUSIONS.__dict__.pop("_offered", None)
