from __future__ import annotations

from pathlib import Path

import pytest

from mmskin.api.predictor import Predictor
from mmskin.page.default_model import cache_folder, default_run


def test_it_is_trained_once_whole_and_without_leavings(tmp_path: Path) -> None:
    said: list[str] = []
    folder = default_run(tmp_path / "cache" / "demo", cases=120, epochs=2, say=said.append)
    assert [path.name for path in folder.parent.iterdir()] == ["demo"]
    assert Predictor.load(folder).modalities == ("image", "text")
    written = (folder / "results.json").stat().st_mtime_ns
    assert default_run(folder, say=said.append) == folder
    assert (folder / "results.json").stat().st_mtime_ns == written
    assert len(said) == 1


def test_the_cache_is_where_the_user_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder().parent == tmp_path / "mmskin"
