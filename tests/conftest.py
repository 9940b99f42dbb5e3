"""One thread for every test, and one small trained run that the tests of saved models share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from made_predictions import MakePredictions, make

sys.path.append(str(Path(__file__).parent / "data"))  # make_pad_ufes_20.py, which is a program too

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def pad_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """36 invented patients, six of each class, in the layout of PAD-UFES-20."""
    from make_pad_ufes_20 import make_pad_ufes_20

    folder = tmp_path_factory.mktemp("pad")
    make_pad_ufes_20(folder, patients=36, photos=1)
    return folder


@pytest.fixture(scope="session")
def trained_run(pad_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder: photo and note, late fusion, trained for two epochs on one fold."""
    from small_experiment import small_experiment

    from mmskin.benchmark.run.run import run_experiment

    output = tmp_path_factory.mktemp("run")
    run_experiment(small_experiment(pad_folder), output, say=lambda line: None, progress=False)
    return output


@pytest.fixture
def make_predictions() -> MakePredictions:
    return make
