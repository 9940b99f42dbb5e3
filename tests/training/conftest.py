from __future__ import annotations

import pytest
from training.probe_parts import Diary, add_probes


@pytest.fixture
def diary(monkeypatch: pytest.MonkeyPatch) -> Diary:
    """What the parts named `probe` write down in this test."""
    return add_probes(monkeypatch)
