"""Models on patients from elsewhere, against the same numbers computed apart."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from external.conftest import rows
from sklearn.metrics import balanced_accuracy_score

import mmskin
from mmskin.api.frames import cases_to_answer
from mmskin.benchmark.run.grid import cell_folder
from mmskin.config.experiment import DataConfig, read_experiment
from mmskin.errors import ConfigError, DataError, ModelError, UserError
from mmskin.evaluation.predictions import probabilities, target_codes
from mmskin.evaluation.results import evaluate_runs
from mmskin.external.evaluated import ElsewhereResults, evaluate_elsewhere, references_of, thresholds_of
from mmskin.report.numbers import NOTHING
from mmskin.trained.prior_shift import estimated_prior, restated
from mmskin.trained.run_models import load_trained
from mmskin.trained.safeguards import safeguards_of

QUICK = {"replicates": 100}


def evaluated(run: Path, place: Path | DataConfig, **options: object) -> ElsewhereResults:
    return evaluate_elsewhere({"run": run}, place, **QUICK | options)  # type: ignore[arg-type]


def test_scores_are_those_of_the_answers_of_the_folds_together(home: Path, elsewhere: Path) -> None:
    table = pd.read_csv(elsewhere)
    model = mmskin.load(home / "run")
    answers = model.predict_table(cases_to_answer(table, model.schema, model.modalities).table).filter(like="prob_")
    named = answers.idxmax(axis=1).str.removeprefix("prob_")
    expected = balanced_accuracy_score(table["diagnosis"], named)
    results = evaluate_runs(evaluated(home / "run", elsewhere).runs, replicates=100)
    assert results.overall("balanced_accuracy")["estimate"].item() == pytest.approx(expected)
    assert set(results.subgroups["group"]) == {"clinic", "fully_recorded"}


def test_the_scores_at_home_stand_beside_them(home: Path, elsewhere: Path) -> None:
    (section,) = evaluated(home / "run", elsewhere).sections.above
    at_home, there = section.grids[0].rows
    of_run = json.loads(
        json.dumps(pd.read_parquet(home / "run" / "predictions.parquet").query("split == 'test'").to_dict("list"))
    )
    expected = balanced_accuracy_score(
        of_run["target"],
        np.array(["melanoma", "nevus", "wart"])[
            np.stack([of_run[f"prob_{c}"] for c in ("melanoma", "nevus", "wart")]).argmax(0)
        ],
    )
    assert at_home[:2] == ["run", "test folds at home"]
    assert at_home[2].startswith(f"{expected:.3f} [")
    assert at_home[-1] == "240"
    assert there[-1] == "150"


def test_one_model_of_the_run_is_beside_its_own_fold(home: Path, elsewhere: Path) -> None:
    model = cell_folder(home / "run", "fields", 1, 0) / "model"
    (section,) = evaluated(model, elsewhere).sections.above
    assert section.grids[0].rows[0][-1] == "80"


def test_a_model_away_from_its_run_has_no_scores_at_home(home: Path, elsewhere: Path, tmp_path: Path) -> None:
    mmskin.load(home / "run").save(tmp_path / "alone")
    (section,) = evaluated(tmp_path / "alone", elsewhere).sections.above
    assert section.grids[0].rows[0][2] == NOTHING


def test_patients_who_were_trained_on_are_left_out_and_counted(home: Path, tmp_path: Path) -> None:
    mixed = pd.concat([rows(150, seed=1, mark="q"), rows(240, seed=0).head(30)])
    mixed.to_csv(tmp_path / "cases.csv", index=False)  # the same name: the same population
    found = evaluated(home / "run", tmp_path / "cases.csv")
    assert len(found.runs.table) == 150
    assert "30 patients on whom run was trained are left out." in found.notes
    with pytest.raises(DataError, match="run was trained on every patient of cases"):
        evaluated(home / "run", home / "cases.csv")


def test_equal_ids_in_a_table_of_another_name_are_said_not_left_out(home: Path, tmp_path: Path) -> None:
    rows(60, seed=2).to_csv(tmp_path / "other.csv", index=False)
    found = evaluated(home / "run", tmp_path / "other.csv")
    assert len(found.runs.table) == 60
    assert any(
        note.startswith("60 patient ids are also ids of patients on whom run was trained") for note in found.notes
    )


def test_under_a_prior_the_answers_are_restated_from_the_shares_at_home(home: Path, elsewhere: Path) -> None:
    model = cell_folder(home / "run", "fields", 0, 0) / "model"
    safeguards = safeguards_of(load_trained(model))
    assert safeguards is not None
    plain = evaluated(model, elsewhere).runs.table
    fitted = safeguards.of("history").calibration
    own = fitted.probabilities(np.log(probabilities(plain)))
    truth = np.bincount(target_codes(plain), minlength=3) / len(plain)
    by_labels = evaluated(model, elsewhere, prior="data").runs.table
    assert probabilities(by_labels) == pytest.approx(restated(own, of=fitted.prior, to=truth))
    by_answers = evaluated(model, elsewhere, prior="estimated").runs.table
    estimate = estimated_prior(own, of=fitted.prior)
    assert probabilities(by_answers) == pytest.approx(restated(own, of=fitted.prior, to=estimate))
    assert np.abs(estimate - truth).max() < 0.2  # of warts there are .7, and .2 at home


def test_the_page_shows_what_the_prior_is_worth(home: Path, elsewhere: Path) -> None:
    prior = evaluated(home / "run", elsewhere).sections.amid[0]
    loss = {row[0]: float(row[1].split()[0]) for row in prior.grids[0].rows}
    assert list(loss) == [
        "as the model answers",
        "of its validation cases",
        "estimated of the new cases, without labels",
        "of the new cases",
    ]
    assert (
        loss["of the new cases"] <= loss["estimated of the new cases, without labels"] < loss["of its validation cases"]
    )


def test_thresholds_are_those_of_the_models(home: Path, elsewhere: Path) -> None:
    found = thresholds_of(load_trained(home / "run"))
    each = [
        references_of(load_trained(cell_folder(home / "run", "fields", k, 0) / "model"))[0].thresholds["malignant"][
            "0.9"
        ]
        for k in range(3)
    ]
    assert found["malignant"]["0.9"] == pytest.approx(np.mean(each))
    table = evaluated(home / "run", elsewhere).sections.amid[-1].grids[0]
    flagged = pd.read_csv(elsewhere)
    assert (
        table.rows[0][-1]
        == f"{(flagged['diagnosis'] == 'melanoma').sum()} / {(flagged['diagnosis'] != 'melanoma').sum()}"
    )


def test_classes_that_the_model_does_not_know_are_left_out_and_those_without_cases_said(
    home: Path, tmp_path: Path
) -> None:
    table = rows(90, seed=3, mark="q")
    table.loc[table["diagnosis"] == "wart", "diagnosis"] = "cyst"
    table.to_csv(tmp_path / "other.csv", index=False)
    found = evaluated(home / "run", tmp_path / "other.csv")
    assert set(found.runs.table["target"]) == {"melanoma", "nevus"}
    assert any("cases of classes that the model does not know are left out: cyst" in note for note in found.notes)
    assert any("o case is wart" in note for note in found.notes)
    table.assign(diagnosis=np.where(table["diagnosis"] == "cyst", "x", "y")).to_csv(tmp_path / "none.csv", index=False)
    with pytest.raises(DataError, match=r"no case of none has a class that the model knows: .* x \d+"):
        evaluated(home / "run", tmp_path / "none.csv")


def test_a_config_says_what_the_classes_are(home: Path, tmp_path: Path) -> None:
    table = rows(90, seed=3, mark="q").replace({"diagnosis": {"melanoma": "MEL", "nevus": "NV", "wart": "VV"}})
    table.to_csv(tmp_path / "other.csv", index=False)
    data = read_experiment(home / "exp.yaml").data
    source = {key: value for key, value in data.source.items() if key != "class_groups"} | {"table": "other.csv"}
    classes = {"melanoma": ["MEL"], "nevus": ["NV"], "wart": ["VV"]}
    there = DataConfig.model_validate(data.model_dump() | {"source": source, "root": str(tmp_path), "classes": classes})
    assert len(evaluated(home / "run", there).runs.table) == 90


def test_models_with_other_classes_are_evaluated_apart(home: Path, elsewhere: Path, trained_run: Path) -> None:
    pad = cell_folder(trained_run, "small", 0, 0) / "model"
    with pytest.raises(UserError, match="this model was trained on pad_ufes_20, not on a table of csv"):
        evaluate_elsewhere({"a": home / "run", "b": pad}, elsewhere, replicates=100)


def test_a_model_that_does_not_remember_has_no_prior(home: Path, elsewhere: Path, tmp_path: Path) -> None:
    from dataclasses import replace

    from mmskin.trained.saved_model import save_model

    trained = load_trained(cell_folder(home / "run", "fields", 0, 0) / "model")
    forgetful = {key: value for key, value in trained.record.items() if key not in ("reference", "safeguards")}
    save_model(replace(trained, record=forgetful), tmp_path / "old")
    found = evaluated(tmp_path / "old", elsewhere)
    assert not found.sections.amid
    with pytest.raises(ModelError, match="saved before models kept the shares"):
        evaluated(tmp_path / "old", elsewhere, prior="estimated")


def test_an_unknown_prior_is_refused(home: Path, elsewhere: Path) -> None:
    with pytest.raises(ConfigError, match="a prior must be"):
        evaluated(home / "run", elsewhere, prior="guess")


def test_sets_and_triage_of_home_are_counted_there(home: Path, elsewhere: Path) -> None:
    found = evaluated(home / "run", elsewhere)
    (section,) = [of for of in found.sections.amid if of.title == "Answer sets and triage: run"]
    sets, triaged = section.grids
    assert triaged.title.startswith("Triage")
    truth = pd.read_csv(elsewhere)["diagnosis"].value_counts()
    assert {row[0]: int(row[1]) for row in sets.rows if row[0] in truth.index} == truth.to_dict()
    assert sets.head == ["True class", "Patients", "In the set", "Band", "Classes in a set"]
