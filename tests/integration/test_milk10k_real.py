"""The real half of MILK10k: what it holds, and small models of one kind of photo, of both, and of everything."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from explain.small_predictors import PAIR
from real_data import real_data
from small_experiment import ENCODERS, small_experiment

from mmskin.api.predictor import Predictor
from mmskin.benchmark.run.run import run_experiment
from mmskin.config.experiment import DataConfig, Experiment, parse_experiment
from mmskin.data.load import load_cases, read_source
from mmskin.data.table import photos_by_kind

TABLES = ("MILK10k_Training_Metadata.csv", "MILK10k_Training_GroundTruth.csv")
PHOTOS = "MILK10k_Training_Input"
MODALITIES = {
    "clinical": ("clinical",),
    "dermoscopic": ("dermoscopic",),
    "both": PAIR,
    "everything": (*PAIR, "text", "metadata"),
}


def test_the_half_is_read_whole_with_two_photos_a_lesion() -> None:
    root = real_data("milk10k")
    cases = read_source(DataConfig.model_validate({"source": {"name": "milk10k"}, "root": str(root), "folds": 5}))
    table = cases.table
    assert len(table) == table.lesion_id.nunique() == 2623  # as its SOURCE.md says
    assert cases.schema.photos == PAIR
    assert set(table.image_kinds) == {PAIR}
    by_kind = photos_by_kind(table, cases.schema)
    for kind in PAIR:
        photos = [photo for of_case in by_kind for photo in of_case[kind]]
        assert len(set(photos)) == 2623
        assert all(Path(photo).is_file() for photo in photos)
    assert table.target.notna().all()
    lesion_of = {Path(photo).stem: row.lesion_id for row in table.itertuples() for photo in row.images}
    twice = [lesion_of[photo] for photo in ("ISIC_0185358", "ISIC_4303795")]  # one photo under two lesions
    assert len(set(twice)) == 2
    assert table.set_index("lesion_id").photo_group[twice].nunique() == 1


@pytest.fixture(scope="module")
def sixty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some sixty of the lesions in the same layout: six of each class, of the rarest all five."""
    root, folder = real_data("milk10k"), tmp_path_factory.mktemp("sixty")
    labels = pd.read_csv(root / TABLES[1]).set_index("lesion_id")
    chosen = {lesion for name in labels for lesion in labels.index[labels[name] == 1][:6]}
    assert len(chosen) == 65
    for name in TABLES:
        table = pd.read_csv(root / name, dtype=str, keep_default_na=False)
        table[table["lesion_id"].isin(chosen)].to_csv(folder / name, index=False)
    for lesion in chosen:
        shutil.copytree(root / PHOTOS / lesion, folder / PHOTOS / lesion)
    return folder


def experiment(sixty: Path, modalities: tuple[str, ...]) -> Experiment:
    data = {"source": {"name": "milk10k"}, "missingness": "visible"}
    encoders: dict[str, Any] = {m: ENCODERS["image" if m in PAIR else m] for m in modalities}
    raw = small_experiment(sixty, data=data, epochs=1, batch_size=16).to_json()
    fusion = {"name": "image_only" if len(modalities) == 1 else "late"}
    return parse_experiment(raw | {"encoders": encoders, "fusion": fusion})


def test_one_kind_both_and_everything_train_on_the_same_folds_and_answer_with_one_missing(
    sixty: Path, tmp_path: Path
) -> None:
    tested = {}
    for name, modalities in MODALITIES.items():
        asked = experiment(sixty, modalities)
        table = run_experiment(asked, tmp_path / name, say=lambda line: None, progress=False)
        tested[name] = table[table["split"] == "test"].case_id.tolist()
        predictor = Predictor.load(tmp_path / name)
        assert predictor.modalities == modalities
    assert len({tuple(cases) for cases in tested.values()}) == 1
    assert 20 <= len(tested["both"]) <= 24

    row = load_cases(asked.data).table.set_index("case_id", drop=False).loc[[tested["both"][0]]]
    (photos,) = photos_by_kind(row, predictor.schema)
    fields = {field: row[field].iloc[0] for field in predictor.schema.field_names}
    everything = predictor.predict(photos, fields)
    assert everything.used == MODALITIES["everything"]
    for kind, other in (PAIR, PAIR[::-1]):
        rest = predictor.predict({other: photos[other]}, fields)
        assert rest.missing == (kind,)
        assert rest.probabilities != everything.probabilities
    assert predictor.predict(photos).missing == ("text", "metadata")
