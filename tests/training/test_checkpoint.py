from __future__ import annotations

import platform
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from mmskin.training.checkpoint import AtomicCheckpointIO, KeepLast
from mmskin.training.memory import keep_freed_memory


def test_a_checkpoint_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint({"weights": torch.arange(3)}, path)
    assert AtomicCheckpointIO().load_checkpoint(path)["weights"].tolist() == [0, 1, 2]
    assert [file.name for file in path.parent.iterdir()] == ["last.ckpt"]


def test_a_writer_killed_half_way_leaves_the_checkpoint_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "last.ckpt"
    writer = AtomicCheckpointIO()
    writer.save_checkpoint({"epoch": 1}, path)

    def killed(checkpoint: Any, file: Any) -> None:
        file.write(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        writer.save_checkpoint({"epoch": 2}, path)
    monkeypatch.undo()
    assert writer.load_checkpoint(path) == {"epoch": 1}


@pytest.mark.parametrize(("epoch", "stops", "stays"), [(1, False, True), (3, False, False), (1, True, False)])
def test_a_checkpoint_stays_until_the_last_epoch_or_an_early_stop(
    tmp_path: Path, epoch: int, stops: bool, stays: bool
) -> None:
    path = tmp_path / "last.ckpt"
    path.touch()
    trainer: Any = SimpleNamespace(current_epoch=epoch, max_epochs=3, should_stop=stops)
    KeepLast(path).on_fit_end(trainer, None)  # type: ignore[arg-type]
    assert path.exists() == stays


@pytest.mark.parametrize("refused", [None, -1, -2, -3])
def test_glibc_is_told_what_to_keep_and_a_refusal_is_passed_on(
    monkeypatch: pytest.MonkeyPatch, refused: int | None
) -> None:
    told: dict[int, int] = {}

    def mallopt(parameter: int, value: int) -> int:
        told[parameter] = value
        return int(parameter != refused)

    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("ctypes.CDLL", lambda name: SimpleNamespace(mallopt=mallopt))
    assert keep_freed_memory() == (refused is None)
    # malloc.h: M_TRIM_THRESHOLD is -1, M_TOP_PAD is -2, M_MMAP_THRESHOLD is -3; bytes.
    expected = {-1: 2 * 1024**3 - 1, -2: 64 * 1024**2, -3: 1024**3}
    assert told.items() <= expected.items()
    if refused is None:
        assert told == expected


def test_another_system_or_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr("ctypes.CDLL", absent)
    assert not keep_freed_memory()
    monkeypatch.setattr("sys.platform", "darwin")
    assert not keep_freed_memory()


def test_freed_memory_is_kept_where_the_c_library_is_glibc() -> None:
    assert keep_freed_memory() == (platform.libc_ver()[0] == "glibc")
