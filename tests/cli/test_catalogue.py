from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from mmskin.cli import catalogue
from mmskin.config import parts
from mmskin.config.parts import Parts
from mmskin.errors import ConfigError


def test_every_option_of_a_section_is_shown_with_its_default_and_its_explanation() -> None:
    shown = catalogue.describe_one("experts")
    assert 'weights = "training"   (of training, fixed, validation)\n    Of the experts: learned with' in shown
    assert "hidden_dim = null\n    Width of a hidden layer in each expert" in shown
    assert "source\n" in catalogue.describe_one("data")  # has no default
    assert "reduce = {}\n    In place of the shared ones" in catalogue.describe_one("arms")
    for name in catalogue.SECTIONS:
        assert f"  {name} " in catalogue.describe_all()


def test_a_part_of_a_package_that_cannot_be_imported_is_listed_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = EntryPoint("mine", "no_such_package:Mine", "mmskin.fusions")
    monkeypatch.setattr(parts, "entry_points", lambda group: [broken] if group == broken.group else [])
    monkeypatch.setitem(catalogue.TABLES, "fusions", Parts("fusion", {}, group="mmskin.fusions"))
    line = next(line for line in catalogue.describe_all().splitlines() if line.startswith("  mine "))
    assert "fusion 'mine' cannot be imported (no_such_package:Mine): ModuleNotFoundError" in line
    with pytest.raises(ConfigError, match="fusion 'mine' cannot be imported"):
        catalogue.describe_one("mine")
