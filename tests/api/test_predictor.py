from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from small_experiment import small_experiment

from mmskin.api.predictor import Predictor, read_history
from mmskin.benchmark.run.run import run_experiment
from mmskin.data.load import load_cases
from mmskin.errors import DataError, ImageError, ModelError, UserError
from mmskin.model.classifier import build_model
from mmskin.reminder import NOT_A_DIAGNOSIS
from mmskin.schema import Field, Schema
from mmskin.trained.trained_model import TrainedModel

SCHEMA = Schema(
    name="tiny",
    classes=("NEV", "MEL", "BCC"),
    fields=(
        Field(name="age", kind="numeric", unit="years", low=0, high=120),
        Field(name="itch", kind="yes_no"),
    ),
)
ENCODERS = {
    "image": {"name": "timm", "model": "test_efficientnet", "image_size": 64},
    "text": {"name": "hashing", "dim": 16, "buckets": 256, "max_tokens": 12},
    "metadata": {"name": "tokens", "dim": 8},
}


def predictor(*modalities: str, fusion: str = "late", seed: int = 0) -> Predictor:
    encoders = {modality: ENCODERS[modality] for modality in modalities}
    fusion_slot = {"name": fusion} | ({"hidden_dim": 16} if fusion == "cross_attention" else {})
    loss_slot = {"name": "cross_entropy"}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model, loss = build_model(encoders, fusion_slot, loss_slot, schema=SCHEMA, class_counts=[6, 3, 1])
    return Predictor(TrainedModel(model, loss, SCHEMA, temperature=2.0, photo_side=64))


@pytest.fixture(scope="module")
def both() -> Predictor:
    return predictor("image", "text")


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (90, 140, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def encoded(photo: Image.Image) -> bytes:
    buffer = io.BytesIO()
    photo.save(buffer, "PNG")
    return buffer.getvalue()


def test_the_answer_sums_to_one_and_is_ranked(both: Predictor, photo: Image.Image) -> None:
    answer = both.predict(photo, {"age": 62}, "it itches")
    values = list(answer.probabilities.values())
    assert sum(values) == pytest.approx(1, abs=1e-12)
    assert values == sorted(values, reverse=True)
    assert set(answer.probabilities) == set(SCHEMA.classes)
    assert answer.probabilities[answer.top] == values[0]


def test_any_part_may_be_missing_and_the_answer_says_so(both: Predictor, photo: Image.Image) -> None:
    whole = both.predict(photo, {"age": 62}, None)
    assert (whole.used, whole.missing) == (("image", "text"), ())
    assert "not recorded: itch" in whole.remarks
    no_history = both.predict(photo)
    assert (no_history.used, no_history.missing, no_history.note) == (("image",), ("text",), "")
    no_photo = both.predict(metadata={"itch": "yes"})
    assert (no_photo.used, no_photo.missing) == (("text",), ("image",))
    words = both.predict(text="it bleeds")
    assert (words.used, words.note) == (("text",), 'Patient: "it bleeds"')
    assert len({tuple(one.probabilities.items()) for one in (whole, no_history, no_photo, words)}) == 4


@pytest.mark.parametrize(
    ("modalities", "fusion", "needs"),
    [
        (("image", "text"), "late", "a photo or a field or free text"),
        (("image",), "image_only", "a photo"),
        (("metadata",), "metadata_only", "a field"),
    ],
)
def test_nothing_at_all_is_refused_in_one_line(modalities: tuple[str, ...], fusion: str, needs: str) -> None:
    with pytest.raises(UserError, match=f"there is nothing to go by: this model needs {needs}$"):
        predictor(*modalities, fusion=fusion).predict(metadata={"age": ""}, text=" ")


def test_a_path_bytes_and_a_picture_give_the_same_answer(both: Predictor, photo: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded(photo))
    answers = [both.predict(one).probabilities for one in (photo, str(path), path, encoded(photo), [path])]
    assert all(answer == answers[0] for answer in answers)
    two = both.predict([path, Image.new("RGB", (80, 80), "red")])
    assert two.probabilities != answers[0]


def test_what_is_wrong_with_the_input_is_named(both: Predictor, photo: Image.Image) -> None:
    with pytest.raises(DataError, match=r"tiny field 'itches' does not exist\. Did you mean 'itch'\?"):
        both.predict(photo, {"itches": "yes"})
    with pytest.raises(DataError, match="age='200' must lie between"):
        both.predict(photo, {"age": 200})
    with pytest.raises(ImageError, match="is an empty file"):
        both.predict(b"")


def test_remarks_of_reading_and_of_quality_reach_the_reader(both: Predictor) -> None:
    clear = Image.new("RGBA", (70, 40), (200, 120, 100, 128))
    remarks = both.predict(encoded(clear)).remarks
    assert "transparent parts are shown white" in remarks
    assert any("the photo is small" in remark for remark in remarks)


def test_what_was_given_and_not_used_is_said(photo: Image.Image) -> None:
    image_only = predictor("image", fusion="image_only").predict(photo, {"age": 62}, "it itches")
    assert "the fields were not used: this model reads the photo alone" in image_only.remarks
    assert "the free text was not used: this model reads no text" in image_only.remarks
    text_only = predictor("text", fusion="text_only").predict(photo, text="it itches")
    assert "the photo was not used: this model reads no photo" in text_only.remarks
    assert text_only.used == ("text",)


def test_a_note_that_is_too_long_is_said_to_be(both: Predictor) -> None:
    said = "the note is too long for this model: its end was not read"
    assert said in both.predict(text="it itches and bleeds and " * 5).remarks
    assert said not in both.predict(text="it itches").remarks


def test_temperature_softens_the_answer(photo: Image.Image) -> None:
    trained = predictor("image", fusion="image_only").trained
    sharp, soft = (Predictor(replace(trained, temperature=temperature)) for temperature in (1.0, 2.0))
    p, q = sharp.predict(photo).probabilities, soft.predict(photo).probabilities
    root = {name: value**0.5 for name, value in p.items()}
    assert q == pytest.approx({name: value / sum(root.values()) for name, value in root.items()})


def test_a_table_gets_the_answers_of_its_cases_one_by_one(trained_run: Path, pad_folder: Path) -> None:
    loaded = Predictor.load(trained_run)
    cases = load_cases(small_experiment(pad_folder).data).table.iloc[:5]
    answers = loaded.predict_table(cases)
    for (_, row), (_, answer) in zip(cases.iterrows(), answers.iterrows(), strict=True):
        fields = {name: row[name] for name in loaded.schema.field_names}
        alone = loaded.predict(list(row["images"]), fields, row["text"])
        assert {name: answer[f"prob_{name}"] for name in alone.as_trained} == pytest.approx(alone.as_trained, abs=1e-6)
        calibrated = {name: answer[f"calibrated_{name}"] for name in alone.probabilities}
        assert calibrated == pytest.approx(alone.probabilities, abs=1e-5)
        assert alone.answer_set is not None
        assert answer["answer_set"].split("+") == sorted(alone.answer_set.classes)
        assert alone.triage is not None
        assert answer["triage"] == alone.triage.level.name.lower()
        assert answer["parts"] == "image+history"
        assert answer["case_id"] == row["case_id"]


def test_a_model_of_always_recorded_fields_answers_alike_whatever_else_is_recorded(
    pad_folder: Path, tmp_path: Path
) -> None:
    """Bit for bit: the optional block blanked, as it is, and filled with other values."""
    experiment = small_experiment(
        pad_folder, "image", "text", "metadata", fusion="concat", data={"missingness": "always_recorded"}, epochs=1
    )
    run_experiment(experiment, tmp_path / "run", say=lambda line: None, progress=False)
    loaded = Predictor.load(tmp_path / "run")
    cases = load_cases(experiment.data)
    block = list(cases.schema.optional_block)
    blanked = cases.table.assign(**dict.fromkeys(block))
    filled = cases.table.assign(**{name: cases.table[name].dropna().iloc[0] for name in block})
    assert cases.table[block].isna().any(axis=None)
    as_it_is, *others = (loaded.predict_table(table) for table in (cases.table, blanked, filled))
    for other in others:
        pd.testing.assert_frame_equal(as_it_is, other, check_exact=True)


def test_a_case_without_anything_is_not_answered_in_a_table() -> None:
    cells = {"case_id": ["1", "2"], "images": [(), ()], "target": [None, None], "text": ["it itches", None]}
    table = pd.DataFrame(cells | {"age": [None, None], "itch": [None, None]}, dtype=object)
    answers = predictor("image", "text").predict_table(table)
    assert answers.filter(like="prob_").notna().all(axis=1).tolist() == [True, False]


def test_a_heat_map_has_the_size_of_the_photo(both: Predictor, photo: Image.Image) -> None:
    large = photo.resize((300, 200))  # more than the 64 pixels at which the model reads
    assert both.heatmap(large).size == (300, 200)
    assert both.heatmap(encoded(photo), target="MEL").size == photo.size


def test_the_history_moves_the_heat_map_only_where_the_model_mixes_it_with_the_photo(photo: Image.Image) -> None:
    late, attention = predictor("image", "text"), predictor("image", "text", fusion="cross_attention")

    def maps(one: Predictor) -> tuple[bytes, bytes]:
        with_text = one.heatmap(photo, text="it has bled for a year", target="MEL")
        return one.heatmap(photo, target="MEL").tobytes(), with_text.tobytes()

    alone, told = maps(late)
    assert alone == told
    alone, told = maps(attention)
    assert alone != told


def test_a_heat_map_that_cannot_be_drawn_is_refused(both: Predictor, photo: Image.Image) -> None:
    with pytest.raises(UserError, match=r"class 'mel_' does not exist\. Did you mean 'MEL'\?"):
        both.heatmap(photo, target="mel_")
    with pytest.raises(UserError, match="this model reads text and no photo"):
        predictor("text", fusion="text_only").heatmap(photo)


def test_an_answer_as_json_says_that_it_is_no_diagnosis(both: Predictor) -> None:
    told = both.predict(text="it itches").to_json()
    assert told["reminder"] == NOT_A_DIAGNOSIS
    assert (told["used"], told["missing"]) == (["text"], ["image"])


def test_a_run_folder_stands_for_its_only_model(trained_run: Path, tmp_path: Path) -> None:
    assert (
        Predictor.load(trained_run).schema
        == Predictor.load(str(trained_run / "cells" / "small" / "fold_0" / "seed_0" / "model")).schema
    )
    for fold in ("fold_0", "fold_1"):
        (tmp_path / fold / "model").mkdir(parents=True)
        (tmp_path / fold / "model" / "manifest.json").write_text("{}")
    with pytest.raises(ModelError, match="holds several models, name one of them"):
        Predictor.load(tmp_path)
    with pytest.raises(ModelError, match="is no mmskin model"):
        Predictor.load(tmp_path / "nothing")


def test_words_of_a_command_line_become_fields() -> None:
    assert read_history(["age=62", "note=a=b", " itch =yes"]) == {"age": "62", "note": "a=b", "itch": "yes"}
    with pytest.raises(UserError, match="a field is written name=value, such as age=62, however: 'age'"):
        read_history(["age"])


def test_only_a_model_that_may_see_what_is_missing_warns_of_empty_fields(
    pad_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    said = "this model was trained with missing fields visible: leaving fields empty can make a cancer look benign"
    for mode, warns in (("visible", True), ("always_recorded", False)):
        experiment = small_experiment(
            pad_folder, "metadata", fusion="metadata_only", data={"missingness": mode}, epochs=1
        )
        folder = tmp_path_factory.mktemp(mode)
        run_experiment(experiment, folder, say=lambda line: None, progress=False)
        predictor = Predictor.load(folder)
        assert (said in predictor.predict(metadata={"age": "60"}).remarks) is warns
        assert ("smoke" in predictor.trained.record["fields_excluded"]) is not warns
