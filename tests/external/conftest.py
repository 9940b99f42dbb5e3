"""A run of three folds, and a table of patients from elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mmskin.benchmark.run.run import run_experiment
from mmskin.config.experiment import read_experiment

CONFIG = """
name: fields
data:
  source:
    name: csv
    table: cases.csv
    target: diagnosis
    patient: patient
    case: case
    text: story
    subgroups: [clinic]
    class_groups: {malignant: [melanoma]}
    licence: CC BY 4.0
    fields:
      age: {kind: numeric, unit: years, low: 0, high: 120}
      site: {}
      itch: {kind: yes_no}
  root: ROOT
  folds: 3
  missingness: visible
encoders:
  metadata: {name: tokens, dim: 8}
fusion: {name: metadata_only}
training: {epochs: 12, batch_size: 16, learning_rate: 1e-2, threads: 1}
"""


def rows(
    patients: int, *, seed: int, shares: tuple[float, float, float] = (0.3, 0.5, 0.2), mark: str = "p"
) -> pd.DataFrame:
    """Patients with a case each, of whom age, site and itch tell something of the class."""
    rng = np.random.default_rng(seed)
    target = rng.choice(["melanoma", "nevus", "wart"], patients, p=shares)
    age = {"melanoma": 65, "nevus": 35, "wart": 25}
    return pd.DataFrame(
        {
            "case": [f"{mark}c{i}" for i in range(patients)],
            "patient": [f"{mark}{i}" for i in range(patients)],
            "diagnosis": target,
            "age": [int(np.clip(rng.normal(age[name], 12), 1, 100)) for name in target],
            "site": [
                rng.choice(["face", "arm", "leg"], p=[0.6, 0.2, 0.2] if name == "wart" else [0.2, 0.4, 0.4])
                for name in target
            ],
            "itch": rng.choice(["yes", "no", ""], patients, p=[0.4, 0.5, 0.1]),
            "clinic": rng.choice(["north", "south"], patients),
            "story": "",
        }
    )


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """cases.csv, exp.yaml, and the run of three folds."""
    folder = tmp_path_factory.mktemp("home")
    rows(240, seed=0).to_csv(folder / "cases.csv", index=False)
    (folder / "exp.yaml").write_text(CONFIG.replace("ROOT", str(folder)))
    run_experiment(read_experiment(folder / "exp.yaml"), folder / "run", say=lambda line: None, progress=False)
    return folder


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A table of 150 other patients, most of them with a wart."""
    path = tmp_path / "other.csv"
    rows(150, seed=1, shares=(0.1, 0.2, 0.7), mark="q").to_csv(path, index=False)
    return path
