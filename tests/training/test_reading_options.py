"""What training varies or hides, from the config to the encoder; at evaluation it varies and hides nothing."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import torch
from training.probe_parts import SCHEMA, Diary, Forward, cases, made_fold, noise_photo, probe_experiment, trained

from mmskin.data.load import Fold
from mmskin.inputs.note import render_note
from mmskin.inputs.photos import load_image
from mmskin.schema import History

SIZE = 12


def fold(**options: Any) -> Fold:
    return made_fold(train="ab" * (SIZE // 2), val="ab" * 2, test="ab" * 2, **options)


def plain_notes(part: str, size: int) -> set[str]:
    fields = dict.fromkeys(SCHEMA.optional_block, "yes")
    return {render_note(History({"age": 20.0 + n, **fields}, f"{part} {n}"), SCHEMA) for n in range(size)}


def by_epoch(forwards: list[Forward]) -> list[list[Any]]:
    """What was read in each epoch of one batch."""
    return [forward.raws for forward in forwards]


def read_at_evaluation(diary: Diary, modality: str) -> list[Any]:
    return [raw for forward in diary.of_evaluation(modality) for raw in forward.raws]


def notes_by_case(notes: list[str]) -> dict[str, str]:
    return {note[note.index('Patient: "') :]: note for note in notes}


def test_epoch_e_reads_view_e_mod_k_and_the_first_is_plain(diary: Diary, tmp_path: Path) -> None:
    trained(diary, probe_experiment(batch_size=SIZE, epochs=7, views=3), tmp_path, fold())
    epochs = [notes_by_case(notes) for notes in by_epoch(diary.of_training("text"))]
    assert [set(epochs[e].values()) == plain_notes("train", SIZE) for e in range(7)] == [e % 3 == 0 for e in range(7)]
    assert epochs[1] == epochs[4]
    assert epochs[2] == epochs[5]
    assert epochs[1] != epochs[2]


@pytest.mark.parametrize(("vary", "reworded"), [(True, True), (False, False)])
def test_notes_are_reworded_in_later_views_if_asked_and_never_at_evaluation(
    diary: Diary, tmp_path: Path, vary: bool, reworded: bool
) -> None:
    of = fold()
    experiment = probe_experiment(batch_size=SIZE, epochs=2, views=2, vary_notes=vary, validate_epochs=True)
    answering = trained(diary, experiment, tmp_path, of)
    plain, varied = by_epoch(diary.of_training("text"))
    assert set(plain) == plain_notes("train", SIZE)
    same = set(varied) & plain_notes("train", SIZE)
    assert len(same) < SIZE / 2 if reworded else len(same) == SIZE  # a note stays itself once in 4! × 2⁴ draws
    answering.probabilities(of.split.test)
    assert set(read_at_evaluation(diary, "text")) == plain_notes("val", 4) | plain_notes("test", 4)


@pytest.mark.parametrize("augment", [None, {}, {"flip": False, "rotation_degrees": 0.0}])
def test_photos_are_varied_in_later_views_if_asked_and_never_at_evaluation(
    diary: Diary, tmp_path: Path, augment: dict[str, Any] | None
) -> None:
    photo = noise_photo(tmp_path)
    of = fold(photo=photo)
    recipe = {"epochs": 2, "views": 2, "augment": augment, "validate_epochs": True}
    answering = trained(diary, probe_experiment("image", batch_size=SIZE, **recipe), tmp_path / "run", of)
    answering.probabilities(of.split.test)
    as_it_is = load_image(photo)
    first, second = by_epoch(diary.of_training("image"))
    evaluated = read_at_evaluation(diary, "image")
    assert len(evaluated) >= 8
    assert all(torch.equal(pixels, as_it_is) for pixels in [*first, *evaluated])
    assert all(torch.equal(pixels, as_it_is) == (augment is None) for pixels in second)


def test_options_of_the_augmentation_reach_the_photo(diary: Diary, tmp_path: Path) -> None:
    ranges = ("rotation_degrees", "zoom", "shift", "brightness", "contrast", "saturation", "hue", "blur", "erase")
    nothing = dict.fromkeys(ranges, 0.0) | {"flip": False}
    photo = noise_photo(tmp_path)
    recipe = {"epochs": 2, "views": 2, "augment": nothing}
    trained(diary, probe_experiment("image", batch_size=SIZE, **recipe), tmp_path / "run", fold(photo=photo))
    _, second = by_epoch(diary.of_training("image"))
    assert all(torch.equal(pixels, load_image(photo)) for pixels in second)


@pytest.mark.parametrize("side", [32, 64])
def test_photos_are_read_at_the_side_asked_for_in_training_and_at_evaluation(
    diary: Diary, tmp_path: Path, side: int
) -> None:
    experiment = probe_experiment("image", data={"photo_side": side})
    photo = noise_photo(tmp_path, width=64, height=48)
    answering = trained(diary, experiment, tmp_path / "run", made_fold(photo=photo))
    assert answering.photo_side == side
    for forwards in (diary.of_training("image"), diary.of_evaluation("image")):
        assert {tuple(raw.shape) for f in forwards for raw in f.raws} == {(3, side * 48 // 64, side)}


def test_fields_are_dropped_in_later_views_at_their_rate_and_never_at_evaluation(diary: Diary, tmp_path: Path) -> None:
    of = made_fold(train="ab" * 100)
    experiment = probe_experiment(
        "metadata", batch_size=200, epochs=2, views=2, field_dropout=0.25, validate_epochs=True
    )
    trained(diary, experiment, tmp_path, of).probabilities(of.split.test)
    recorded = [sum(len(h.recorded()) for h in histories) for histories in by_epoch(diary.of_training("metadata"))]
    assert recorded[0] == 800
    assert abs(recorded[1] - 600) < 4 * (800 * 0.25 * 0.75) ** 0.5  # four standard deviations of the binomial
    assert {len(history.recorded()) for history in read_at_evaluation(diary, "metadata")} == {4}


@pytest.mark.parametrize(
    ("option", "hidden", "shown"), [("history_dropout", "text", "image"), ("image_dropout", "image", "text")]
)
def test_a_history_or_a_photo_is_dropped_at_its_rate_in_every_view_and_never_at_evaluation(
    diary: Diary, tmp_path: Path, option: str, hidden: str, shown: str
) -> None:
    of = made_fold(train="ab" * 50, photo=noise_photo(tmp_path))
    recipe = {"batch_size": 100, "epochs": 2, "validate_epochs": True, option: 0.3}
    trained(diary, probe_experiment("image", "text", **recipe), tmp_path / "run", of).probabilities(of.split.test)
    there = [len(forward.raws) for forward in diary.of_training(hidden)]
    assert len(there) == 2
    assert all(abs(count - 70) < 4 * (100 * 0.3 * 0.7) ** 0.5 for count in there)
    assert [len(forward.raws) for forward in diary.of_training(shown)] == [100, 100]
    evaluated = {modality: [len(f.raws) for f in diary.of_evaluation(modality)] for modality in (hidden, shown)}
    assert evaluated[hidden] == evaluated[shown]
    assert set(evaluated[hidden]) == {4}


def test_a_case_is_hidden_in_some_epochs_and_shown_in_others(diary: Diary, tmp_path: Path) -> None:
    of = fold(photo=noise_photo(tmp_path))
    recipe = {"batch_size": SIZE, "epochs": 8, "history_dropout": 0.5}
    trained(diary, probe_experiment("image", "text", **recipe), tmp_path / "run", of)
    told: dict[str, int] = defaultdict(int)
    for notes in by_epoch(diary.of_training("text")):
        for note in notes:
            told[note] += 1
    assert len(told) == SIZE  # never told in 8 epochs: once in 256
    assert max(told.values()) < 8


def test_an_incomplete_block_is_hidden_for_all_classes_alike_in_training_alone(diary: Diary, tmp_path: Path) -> None:
    half = {name: [None, "yes"] * 20 + ["yes"] * 40 for name in SCHEMA.optional_block}
    of = made_fold(train=cases("train", "a" * 40 + "b" * 40, **half))
    for mode, blank_of_b in (("equalized", 20), ("visible", 0)):
        diary.forwards.clear()
        recipe = {"batch_size": 80, "epochs": 2, "views": 2}
        trained(diary, probe_experiment("metadata", data={"missingness": mode}, **recipe), tmp_path / mode, of)
        blanks = [
            {h.text for h in read if "itch" not in h.recorded()} for read in by_epoch(diary.of_training("metadata"))
        ]
        of_b = {f"train {n}" for n in range(40, 80)}
        assert [(len(blank & of_b), len(blank - of_b)) for blank in blanks] == [(blank_of_b, 20)] * 2
        assert (blanks[0] != blanks[1]) == (mode == "equalized")  # each view hides others
        assert {len(h.recorded()) for h in read_at_evaluation(diary, "metadata")} == {4}


def test_workers_read_in_processes_of_their_own(diary: Diary, tmp_path: Path) -> None:
    trained(diary, probe_experiment(workers=1), tmp_path)
    assert {raw for forward in diary.of_training("text") for raw in forward.raws} == {None}
