"""The model that is shipped: what a visitor who clicks about has to find, on invented cases that it never saw."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mmskin.api.predictor import Predictor
from mmskin.api.tables import read_source
from mmskin.errors import MmskinError, UserError
from mmskin.page.card import card
from mmskin.page.default_model import DEFAULT_RUN, train_default
from mmskin.page.examples import Example, draw_examples
from mmskin.synthetic import make_clinic, oracle_probs, read_cases, read_truth, sample_ceiling
from mmskin.synthetic.latents import WORRYING
from mmskin.trained.answer_sets import LEVEL
from mmskin.trained.presented_case import NOTHING_READ
from mmskin.trained.saved_model import FORMAT
from mmskin.trained.text_remarks import NO_LANGUAGE

REBUILD = "make it anew: python scripts/make_demo_model.py"
FRESH, SEED = 1000, 2027
NONSENSE = ("asdf qwer", "qwertz uiop asdfgh jklö", "blarg fnord zxcv wibble")
GERMAN = "Der Fleck an der Nase juckt seit drei Monaten und blutet manchmal"


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    try:
        return Predictor.load(DEFAULT_RUN)
    except MmskinError as error:
        pytest.fail(f"the model that the page shows cannot be read; {REBUILD}\n{error}")


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clinic(tmp_path_factory.mktemp("fresh") / "clinic", cases=FRESH, seed=SEED)


@pytest.fixture(scope="module")
def answers(predictor: Predictor, clinic: Path) -> pd.DataFrame:
    table = read_source("synthetic", clinic).table
    return predictor.predict_table(table).assign(target=list(table["target"]))


def test_it_is_of_the_format_of_this_mmskin_small_and_whole(predictor: Predictor) -> None:
    assert predictor.trained.record["format"] == FORMAT, REBUILD
    assert predictor.modalities == ("image", "text", "metadata")
    assert sum(path.stat().st_size for path in DEFAULT_RUN.rglob("*") if path.is_file()) <= 3_000_000
    assert "Tested on" in card(predictor, DEFAULT_RUN)


def test_it_starts_without_lightning() -> None:
    code = (
        "import sys; from mmskin.api.predictor import Predictor; from mmskin.page.default_model import DEFAULT_RUN; "
        "Predictor.load(DEFAULT_RUN); sys.exit('lightning' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_on_fresh_cases_it_reaches_four_fifths_of_what_bayes_would(answers: pd.DataFrame, clinic: Path) -> None:
    truth = read_truth(clinic)
    classes = truth.design.classes
    probs = answers[[f"prob_{name}" for name in classes]].to_numpy()
    target = np.array([classes.index(name) for name in answers["target"]])
    best = sample_ceiling(truth.design, oracle_probs(read_cases(clinic), truth), target).balanced_accuracy
    reached = np.mean([(probs[target == code].argmax(axis=1) == code).mean() for code in range(len(classes))])
    print(f"balanced accuracy {reached:.3f}, ceiling {best:.3f}")
    assert reached >= 0.8 * best


def test_triage_does_not_call_everything_urgent_and_misses_little(answers: pd.DataFrame) -> None:
    dangerous = answers["target"].isin(WORRYING)
    urgent, least = (answers["triage"] == level for level in ("urgent", "least"))
    shares = {"harmless": urgent[~dangerous].mean(), "dangerous": urgent[dangerous].mean()}
    print(shares, "least of dangerous", least[dangerous].mean(), "least of harmless", least[~dangerous].mean())
    assert shares["harmless"] < 0.3
    assert shares["dangerous"] > 2 * shares["harmless"]
    assert least[dangerous].mean() <= 0.05


def test_answer_sets_hold_what_they_promise(answers: pd.DataFrame) -> None:
    inside = [
        target in found.split("+") for target, found in zip(answers["target"], answers["answer_set"], strict=True)
    ]
    assert np.mean(inside) >= LEVEL - 0.03
    assert answers["answer_set"].str.count(r"\+").mean() + 1 < 4


@pytest.mark.parametrize("example", draw_examples(6), ids=lambda example: example.target)
def test_an_example_is_answered_with_its_name(predictor: Predictor, example: Example) -> None:
    found = predictor.predict(example.photo, example.history.fields, example.history.text)
    assert found.top == example.target
    assert found.unlike_training == ()
    assert not any("knows" in remark or "the text says" in remark for remark in found.remarks)


@pytest.mark.parametrize("example", draw_examples(6), ids=lambda example: example.target)
def test_ten_years_of_age_turn_the_answer_once_at_most(predictor: Predictor, example: Example) -> None:
    for photo, text in ((example.photo, example.history.text), (example.photo, None), (None, None)):
        by_age = [predictor.predict(photo, {**example.history.fields, "age": age}, text) for age in range(55, 66)]
        tops = [found.top for found in by_age]
        assert sum(one != other for one, other in pairwise(tops)) <= 1, tops
        steps = [
            abs(older.probabilities[name] - younger.probabilities[name])
            for younger, older in pairwise(by_age)
            for name in younger.probabilities
        ]
        assert max(steps) < 0.1


@pytest.mark.parametrize("text", NONSENSE)
def test_nonsense_is_remarked_and_moves_no_answer(predictor: Predictor, text: str) -> None:
    for photo in (draw_examples(1)[0].photo, None):
        plain = predictor.predict(photo, {"age": 62, "itch": "yes"})
        found = predictor.predict(photo, {"age": 62, "itch": "yes"}, text)
        assert NOTHING_READ in found.remarks
        assert found.probabilities == plain.probabilities
        assert found.read == {}
    with pytest.raises(UserError, match="no word that this model knows: it was left out; there is nothing to go by"):
        predictor.predict(text=text)


def test_another_language_is_remarked_and_turns_no_answer(predictor: Predictor) -> None:
    for example in draw_examples():
        plain = predictor.predict(example.photo, example.history.fields)
        found = predictor.predict(example.photo, example.history.fields, GERMAN)
        assert {NO_LANGUAGE, NOTHING_READ} & set(found.remarks)
        assert found.top == plain.top
        assert found.read == {}


def test_it_reads_free_words(predictor: Predictor) -> None:
    read = predictor.read_note("It itches and it has bled. I am 62.")
    assert (read["itch"].value, read["bleeding"].value) == ("yes", "yes")
    assert read["age"].value == pytest.approx(62, abs=2)
    assert read["pain"].value is None


def test_the_recipe_writes_a_run_with_its_results_and_nothing_else(tmp_path: Path) -> None:
    train_default(tmp_path / "demo", cases=120, epochs=2, folds=4, lessons=5, say=lambda line: None)
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]
    assert Predictor.load(tmp_path / "demo").modalities == ("image", "text", "metadata")
    assert json.loads((tmp_path / "demo" / "results.json").read_text())["metrics"]
