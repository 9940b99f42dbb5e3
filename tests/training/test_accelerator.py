from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning
import pytest
from small_experiment import small_experiment
from training.probe_parts import Diary, probe_experiment, trained

from mmskin.benchmark.run.run import run_experiment
from mmskin.errors import ConfigError
from mmskin.training import accelerator
from mmskin.training.accelerator import check_accelerator

TOLD = r"training\.accelerator: {name}, however torch .* finds none on this machine; set it to auto or cpu"


@pytest.fixture
def nothing_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accelerator, "FOUND", dict.fromkeys(accelerator.FOUND, lambda: False))


@pytest.mark.usefixtures("nothing_there")
@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_refused_before_anything_is_read(
    diary: Diary, tmp_path: Path, pad_folder: Path, name: str
) -> None:
    told = TOLD.format(name=name)
    with pytest.raises(ConfigError, match=told):
        trained(diary, probe_experiment(accelerator=name), tmp_path / "fold")
    assert diary.forwards == {}
    assert not (tmp_path / "fold").exists()
    with pytest.raises(ConfigError, match=told):
        run_experiment(small_experiment(pad_folder, accelerator=name), tmp_path / "run", say=lambda line: None)
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("nothing_there")
@pytest.mark.parametrize("name", ["auto", "cpu"])
def test_the_processor_is_always_there(name: str) -> None:
    check_accelerator(name)


def test_a_device_that_is_there_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accelerator, "FOUND", {"cuda": lambda: True})
    check_accelerator("cuda")


def test_the_trainer_is_told_which_device(diary: Diary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}
    made = lightning.Trainer.__init__

    def noted(self: lightning.Trainer, **options: Any) -> None:
        asked.update(options)
        made(self, **options)

    monkeypatch.setattr(lightning.Trainer, "__init__", noted)
    trained(diary, probe_experiment(accelerator="cpu", devices=1), tmp_path)
    assert (asked["accelerator"], asked["devices"]) == ("cpu", 1)
