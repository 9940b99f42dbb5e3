"""Your own table, in training and ever after: a model reads new tables and what is typed as its own table was read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cli.conftest import Type, is_one_plain_line

import mmskin
from mmskin.benchmark.run.run import run_experiment
from mmskin.config.experiment import read_experiment

CONFIG = """
name: own
data:
  source:
    name: csv
    target: diagnosis
    patient: patient
    case: case
    text: story
    missing: [-9]
    fields:
      age: {kind: numeric, unit: years, low: 0, high: 120}
      site: {}
      itch: {kind: yes_no, values: {juckt: yes}}
      duration: {column: weeks, kind: duration, unit: weeks}
  root: ROOT
  folds: 3
  test_folds: [0]
  missingness: visible
encoders:
  text: {name: hashing, dim: 16}
  metadata: {name: tokens, dim: 8}
fusion: {name: concat}
training: {epochs: 1, batch_size: 8, threads: 1}
"""


def rows() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    size = 48
    return pd.DataFrame(
        {
            "case": [f"c{i}" for i in range(size)],
            "patient": [f"p{i // 2}" for i in range(size)],
            "diagnosis": rng.choice(["melanoma", "nevus", "wart"], size),
            "age": rng.integers(18, 90, size),
            "site": rng.choice(["face", "arm", "leg"], size),
            "itch": rng.choice(["juckt", "no", "-9"], size),
            "weeks": rng.integers(1, 60, size),
            "story": rng.choice(["it grew", "found by my wife", ""], size),
        }
    )


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table, its config, and a run."""
    folder = tmp_path_factory.mktemp("clinic")
    rows().to_csv(folder / "cases.csv", index=False)
    (folder / "own.yaml").write_text(CONFIG.replace("ROOT", str(folder)))
    run_experiment(read_experiment(folder / "own.yaml"), folder / "run", say=lambda line: None, progress=False)
    return folder


@pytest.fixture
def answers(mmskin_: Type, clinic: Path, tmp_path: Path) -> object:
    """A table, or a line of options → its answers, and what was said."""

    def answered(table: pd.DataFrame | str) -> tuple[pd.DataFrame, str]:
        out = tmp_path / f"answers{len(list(tmp_path.iterdir()))}.parquet"
        if isinstance(table, pd.DataFrame):
            path = tmp_path / f"new{len(list(tmp_path.iterdir()))}.csv"
            table.to_csv(path, index=False)
            table = str(path)
        code, _, said = mmskin_(f"predict-table {clinic / 'run'} {table} --output {out}")
        assert code == 0, said
        return pd.read_parquet(out).set_index("case_id"), " ".join(said.split())

    return answered


def test_the_rows_that_were_tested_get_the_answers_of_the_test_bit_for_bit(clinic: Path, answers) -> None:
    tested = pd.read_parquet(clinic / "run" / "predictions.parquet")
    tested = tested[tested["split"] == "test"].set_index("case_id")
    found, _ = answers(str(clinic / "cases.csv"))
    columns = [name for name in found if name.startswith("prob_")]
    assert len(tested) >= 10
    assert found.loc[tested.index, columns].to_numpy().tolist() == tested[columns].to_numpy().tolist()


@pytest.mark.parametrize("labels", ["none", "blank", "one class", "unheard of"])
def test_labels_are_neither_needed_nor_looked_at(answers, labels: str) -> None:
    whole, _ = answers(rows())
    table = rows().drop(columns="diagnosis") if labels == "none" else rows()
    if labels != "none":
        table["diagnosis"] = {"blank": "", "one class": "nevus", "unheard of": "pemphigus"}[labels]
    pd.testing.assert_frame_equal(answers(table)[0], whole)


def test_a_table_of_one_row_and_of_another_kind_of_file_is_read_alike(answers, tmp_path: Path) -> None:
    whole, _ = answers(rows())
    rows().iloc[[7]].to_csv(tmp_path / "one.tsv", index=False, sep="\t")
    pd.testing.assert_frame_equal(answers(str(tmp_path / "one.tsv"))[0], whole.loc[["c7"]])
    rows().to_parquet(tmp_path / "all.parquet")
    pd.testing.assert_frame_equal(answers(str(tmp_path / "all.parquet"))[0], whole)


def test_what_a_new_table_lacks_is_not_recorded_and_that_is_said(answers) -> None:
    without, said = answers(rows().drop(columns="itch"))
    assert "no column for itch: not recorded for any case" in said
    blank, said = answers(rows().assign(itch="", age=-9))
    assert "nothing recorded in the columns of age, itch" in said
    coded, _ = answers(rows().assign(itch="-9"))
    pd.testing.assert_frame_equal(coded, without)
    assert not np.allclose(blank.filter(like="prob_"), without.filter(like="prob_"))


def test_a_word_that_the_model_never_saw_is_unknown_and_that_is_said(answers) -> None:
    strange, said = answers(rows().assign(site=["calf", *rows()["site"][1:]]))
    assert "site: 'calf' in row 2 is no value that the model knows: read as unknown" in said
    pd.testing.assert_frame_equal(strange, answers(rows().assign(site=["unknown", *rows()["site"][1:]]))[0])


def test_numbers_that_cannot_be_read_are_refused_with_their_rows(mmskin_: Type, clinic: Path, tmp_path: Path) -> None:
    rows().assign(age=["old", 300, *rows()["age"][2:]]).to_csv(tmp_path / "new.csv", index=False)
    line = f"predict-table {clinic / 'run'} {tmp_path / 'new.csv'} --output {tmp_path / 'p.csv'}"
    code, _, complaint = mmskin_(line)
    assert code == 2
    assert is_one_plain_line(complaint)
    assert "row 2: age='old' must be a number" in complaint
    assert "row 3: age='300' must lie between" in complaint
    code, _, complaint = mmskin_(f"{line} data.missingness=visible")
    assert code == 2
    assert "only a YAML file has options" in complaint


def test_numbers_as_people_write_them_are_read_by_rules_that_are_counted(answers) -> None:
    plain, _ = answers(rows().assign(age=["47.5", "80", "45.5", *map(str, rows()["age"][3:])]))
    odd, said = answers(rows().assign(age=["45-50", ">80", "45,5", *map(str, rows()["age"][3:])]))
    pd.testing.assert_frame_equal(odd, plain)
    assert "age: a range, read as its middle in row 2" in said
    assert "age: a bound, read as the number itself in row 3" in said


def test_a_table_with_other_columns_is_read_by_a_yaml_file_with_the_models_own_meaning(answers, clinic: Path) -> None:
    whole, _ = answers(rows())
    other = rows().rename(columns={"weeks": "seit", "site": "Ort", "story": "Text"}).drop(columns="diagnosis")
    other.to_csv(clinic / "other.csv", index=False)
    fields = "{age: {}, site: {column: Ort}, itch: {}, duration: {column: seit}}"
    line = f"{clinic / 'own.yaml'} data.source.table=other.csv data.source.text=Text 'data.source.fields={fields}'"
    pd.testing.assert_frame_equal(answers(line)[0], whole)


def test_what_is_typed_means_what_it_means_in_the_table(mmskin_: Type, clinic: Path) -> None:
    def note(*fields: str) -> tuple[str, str]:
        told = mmskin_(f"predict {clinic / 'run'} {' '.join(f'--field {f}' for f in fields)} --json")
        assert told[0] == 0, told[2]
        answer = json.loads(told[1])
        return answer["note"], " ".join(answer["remarks"])

    weeks = int(rows().set_index("case").loc["c4", "weeks"])
    code, told, _ = mmskin_(f"data note {clinic / 'own.yaml'} --row c4")
    assert code == 0
    duration = told[told.index("Duration: ") :].partition(".")[0]
    typed, remarks = note(f"duration={weeks}")
    assert duration in typed
    assert f"duration={weeks} was read as {weeks} weeks" in remarks
    assert note("duration='3 months'")[0] == note("duration=13.0446")[0] == "Duration: 3 months."
    assert "was read as" not in note("duration='3 months'")[1]
    assert note("itch=juckt")[0] == note("itch=ja")[0] == note("itch=yes")[0]
    assert "itch" not in note("itch=-9", "age=40")[0].lower()


def test_python_callers_read_frames_and_typed_values_alike(clinic: Path, answers) -> None:
    whole, _ = answers(rows())
    model = mmskin.load(clinic / "run")
    found = model.predict(rows().drop(columns="diagnosis").assign(itch=rows()["itch"].replace("-9", None)))
    assert found.to_numpy() == pytest.approx(whole.filter(like="calibrated_").to_numpy())
    assert model.predict(rows().drop(columns="site")).attrs["remarks"] == [
        "no column for site: not recorded for any case"
    ]
    first = rows().iloc[0]
    fields = {"age": first["age"], "site": first["site"], "itch": first["itch"], "duration": first["weeks"]}
    one = model.predict(metadata=fields, text=first["story"])
    calibrated, as_trained = (whole.filter(like=of).iloc[0].tolist() for of in ("calibrated_", "prob_"))
    assert [one.probabilities[name] for name in model.schema.classes] == pytest.approx(calibrated)
    assert [one.as_trained[name] for name in model.schema.classes] == pytest.approx(as_trained)
    assert one.answer_set is not None
    assert sorted(one.answer_set.classes) == whole["answer_set"].iloc[0].split("+")
