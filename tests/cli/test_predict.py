"""`predict`, `predict-table` and `explain` as a user types them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from cli.conftest import CONFIG, Type, is_one_plain_line
from explain.small_predictors import small_predictor
from PIL import Image

from mmskin.reminder import NOT_A_DIAGNOSIS
from mmskin.trained.saved_model import save_model
from mmskin.trained.triage import TITLES


def test_predict_prints_a_differential_and_what_it_rests_on(
    mmskin_: Type, trained_run: Path, pad_folder: Path, tmp_path: Path
) -> None:
    photo = next((pad_folder / "images").rglob("*.png"))
    heatmap = tmp_path / "heat.png"
    code, told, _ = mmskin_(
        f"predict {trained_run} --image {photo} --field age=62 --field itch=yes --text 'it scabs' --heatmap {heatmap}"
    )
    assert code == 0
    assert told.splitlines()[0] in TITLES.values()
    assert "of each class, the true one is among them in 90% of new patients like those of validation" in told
    assert re.search(r"model: [0-9a-f]{12}, mmskin ", told)
    assert "used: image, text\n" in told
    assert "heat map: the map has 1 x 1 cells" in told
    assert "heat map: photo and history are judged apart in this model" in told
    assert told.endswith(NOT_A_DIAGNOSIS + "\n")
    with Image.open(heatmap) as drawn, Image.open(photo) as taken:
        assert drawn.size == taken.size


def test_predict_states_probabilities_for_another_place_and_sets_at_another_level(
    mmskin_: Type, trained_run: Path, tmp_path: Path
) -> None:
    def answered(*options: str) -> dict[str, Any]:
        code, told, complaint = mmskin_(f"predict {trained_run} --field itch=yes --json {' '.join(options)}")
        assert code == 0, complaint
        return dict(json.loads(told))

    plain = answered()
    classes = list(plain["probabilities"])
    shares = {name: 0.9 if name == "MEL" else 0.1 / (len(classes) - 1) for name in classes}
    (tmp_path / "shares.json").write_text(json.dumps(shares))
    there = answered("--prior", str(tmp_path / "shares.json"), "--level", "0.6")
    assert there["probabilities"]["MEL"] > plain["probabilities"]["MEL"]
    assert sum(there["probabilities"].values()) == pytest.approx(1)
    assert there["as_trained"] == plain["as_trained"]
    assert there["triage"]["level"] == plain["triage"]["level"]
    assert (plain["answer_set"]["level"], there["answer_set"]["level"]) == (0.9, 0.6)
    assert set(there["answer_set"]["classes"]) <= set(plain["answer_set"]["classes"])
    assert any("stated for the class shares that were given" in remark for remark in there["remarks"])
    assert re.fullmatch("[0-9a-f]{12}", plain["model"]["checksum"])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("--level 1.5", "the level of an answer set must lie between 0 and 1, such as 0.9, however: 1.5"),
        ("--prior nowhere.json", "--prior nowhere.json: no such file"),
        ("--prior {shares}", "a prior needs a share for each class"),
    ],
)
def test_impossible_levels_and_shares_are_one_plain_line(
    mmskin_: Type, trained_run: Path, tmp_path: Path, options: str, told: str
) -> None:
    (tmp_path / "shares.json").write_text('{"MEL": 1.0}')
    shares = options.format(shares=tmp_path / "shares.json")
    code, _, complaint = mmskin_(f"predict {trained_run} --field itch=yes {shares}")
    assert code == 2
    assert is_one_plain_line(complaint)
    assert told in complaint


def test_explain_writes_a_page_and_prints_its_sentences(
    mmskin_: Type, trained_run: Path, pad_folder: Path, tmp_path: Path
) -> None:
    photo = next((pad_folder / "images").rglob("*.png"))
    history, output = tmp_path / "history.json", tmp_path / "why"
    history.write_text('{"fields": {"age": 62, "itch": "no"}, "text": "it scabs"}')
    line = f"explain {trained_run} --image {photo} --history {history} --output {output}"
    code, told, said = mmskin_(f"{line} --field itch=yes")  # the command line wins over the file
    assert code == 0
    assert told.startswith("The most likely class is ")
    assert told.endswith(NOT_A_DIAGNOSIS + "\n")
    assert said.startswith("page: ")
    assert (output / "explanation.html").is_file()
    content = json.loads((output / "explanation.json").read_text(encoding="utf-8"))
    assert told.splitlines()[: len(content["sentences"])] == content["sentences"]
    assert {field["name"]: field["value"] for field in content["fields"]["fields"]} == {
        "age": "62 years",
        "itch": "yes",
    }
    assert set(content["shares"]["points"]) == {"photo", "words", "fields"}
    code, _, complaint = mmskin_(f"explain {trained_run} --history {photo} --output {output}")
    assert code == 2
    assert is_one_plain_line(complaint)


def test_the_folds_of_a_run_answer_together_and_of_several_arms_one_is_named(mmskin_: Type, tmp_path: Path) -> None:
    for fold in (0, 1):
        for arm in ("late", "other"):
            save_model(small_predictor("late").trained, tmp_path / f"run/cells/{arm}/fold_{fold}/seed_0/model")
    asked = f"{tmp_path / 'run'} --field age=62"
    code, _, complaint = mmskin_(f"predict {asked}")
    assert code == 3
    assert is_one_plain_line(complaint)
    assert "holds models of several arms: late, other; name the one that is to answer, by --arm late" in complaint
    code, told, _ = mmskin_(f"predict {asked} --arm late")
    assert code == 0
    assert "note: answered by 2 models together (folds 0, 1)" in told
    code, told, _ = mmskin_(f"explain {asked} --arm other --output {tmp_path / 'why'}")
    assert code == 0
    assert "note: answered by 2 models together" in told


def test_explain_with_check_measures_explanations_on_the_test_fold(
    mmskin_: Type, trained_run: Path, pad_folder: Path, tmp_path: Path
) -> None:
    config = tmp_path / "late.yaml"
    config.write_text(CONFIG.format(name="late", root=pad_folder))
    output = tmp_path / "check"
    code, told, said = mmskin_(f"explain {trained_run} {config} --check --cases 2 --output {output}")
    assert code == 0
    assert "holds           parts: " in told
    assert "not measured: the pointing game: the data set has no masks of lesions" in told
    assert said.strip().replace("\n", "").startswith("page: ")
    content = json.loads((output / "check.json").read_text(encoding="utf-8"))
    assert (content["cases"], content["fold"], content["experiment"]) == (2, 0, "small")
    assert "<img" not in (output / "check.html").read_text(encoding="utf-8")
    code, _, said = mmskin_(f"explain {trained_run} {config} --check --cases 2 --keep --output {output}")
    assert code == 2
    assert "2 cases of 2 patients say too little of heat maps to be kept" in " ".join(said.split())
    misused = (f"{config} --check --field age=62", f"{config} --field age=62", "--check", "--keep", "--kind image")
    for line in (*misused, f"{config} data.fold_seed=7 --check", f"{config} --check --kind hand"):
        code, _, complaint = mmskin_(f"explain {trained_run} {line} --output {output}")
        assert code == 2
        assert "Traceback" not in complaint


def test_predict_as_json_is_json_and_names_what_is_missing(mmskin_: Type, trained_run: Path) -> None:
    code, told, _ = mmskin_(f"predict {trained_run} --field age=62 --json")
    answer = json.loads(told)
    assert code == 0
    assert sum(answer["probabilities"].values()) == pytest.approx(1)
    assert (answer["used"], answer["missing"]) == (["text"], ["image"])


def test_predict_table_answers_every_case_and_writes_over_nothing(
    mmskin_: Type, trained_run: Path, config: Path, tmp_path: Path
) -> None:
    for name in ("answers.csv", "answers.parquet"):
        output = tmp_path / name
        assert mmskin_(f"predict-table {trained_run} {config} --output {output}")[0] == 0
        answers = pd.read_csv(output) if name.endswith("csv") else pd.read_parquet(output)
        assert len(answers) == 36
        assert answers.filter(like="prob_").sum(axis=1).to_list() == pytest.approx([1.0] * 36)
    code, _, complaint = mmskin_(f"predict-table {trained_run} {config} --output {output}")
    assert code == 2
    assert "is there already; choose another --output" in complaint
