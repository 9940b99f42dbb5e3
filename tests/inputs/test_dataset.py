from __future__ import annotations

import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from mmskin.encoders.hashing_text import HashNote
from mmskin.encoders.metadata_fields import PrepareFields
from mmskin.encoders.pixels import PreparePhoto
from mmskin.features import Features
from mmskin.inputs.augment import Augment
from mmskin.inputs.batch import Case, Row, Rows, collate, stack_rows
from mmskin.inputs.dataset import CaseDataset, EpochSampler, Hiding
from mmskin.inputs.readers import ColumnsReader, NoteReader, PhotoReader, RawCase, Reader
from mmskin.schema import Field, History, Schema

SCHEMA = Schema(
    name="tiny",
    classes=("a", "b"),
    fields=tuple(Field(name=name, kind="yes_no") for name in ("itch", "bleed", "grew", "hurt")),
)
PREPARE_PHOTO = PreparePhoto(size=(8, 8), mean=(0.5,) * 3, std=(0.5,) * 3)


def table(size: int, **columns: list[Any]) -> pd.DataFrame:
    cells: dict[str, Any] = {
        "case_id": [f"case {n}" for n in range(size)],
        "patient_id": [f"patient {n}" for n in range(size)],
        "lesion_id": [f"lesion {n}" for n in range(size)],
        "images": [("photo.png",)] * size,
        "target": ["a", "b"] * (size // 2),
        "text": [None] * size,
        **{name: ["yes"] * size for name in SCHEMA.field_names},
    } | columns
    return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in cells.items()})


class Told:
    """A reader that gives the view, and what the history holds, as numbers."""

    def __init__(self, *, of_history: bool, kind: str = "image") -> None:
        self.of_history, self.kind = of_history, kind

    def __call__(self, case: RawCase) -> list[Row]:
        recorded = len(case.history.recorded())
        there = recorded if self.of_history else case.photos.get(self.kind)
        return [{"x": torch.tensor([case.view, recorded])}] if there else []


def inputs(rows: Row | Rows, key: str) -> torch.Tensor:
    assert not isinstance(rows, Features)
    return rows[key]


def told() -> dict[str, Reader]:
    return {"image": Told(of_history=False), "text": Told(of_history=True), "metadata": Told(of_history=True)}


def test_the_order_of_cases_depends_on_seed_and_epoch_alone() -> None:
    def order(epoch: int, seed: int = 0) -> list[int]:
        sampler = EpochSampler([0, 1] * 10, seed=seed)
        sampler.set_epoch(epoch)
        torch.manual_seed(epoch * 7 + seed)  # the global generator has no say
        return [row for row, _ in sampler]

    assert order(3) == order(3)
    assert sorted(order(3)) == list(range(20))
    assert len({tuple(order(epoch, seed)) for epoch in range(3) for seed in range(2)}) == 6
    sampler = EpochSampler([0, 1])
    sampler.set_epoch(5)
    assert {epoch for _, epoch in sampler} == {5}


def test_the_balanced_sampler_shows_every_class_equally_often() -> None:
    targets = [0] * 900 + [1] * 90 + [2] * 10
    sampler = EpochSampler(targets, balanced=True)
    shown = Counter(targets[row] for row, _ in sampler)
    assert len(sampler) == 1000
    for count in shown.values():
        assert abs(count - 1000 / 3) < 4 * np.sqrt(1000 * 2 / 9)  # four standard deviations of the binomial


def test_epoch_e_reads_view_e_mod_k_and_evaluation_reads_view_0() -> None:
    data = CaseDataset([table(2)] * 3, SCHEMA, told())
    views = [int(inputs(data[1, epoch].rows["image"][0], "x")[0]) for epoch in range(7)]
    assert views == [0, 1, 2, 0, 1, 2, 0]
    assert int(inputs(data[1].rows["image"][0], "x")[0]) == 0
    assert [case.view for case in data.cases()] == [0, 0, 1, 1, 2, 2]


def test_targets_are_class_codes_and_unknown_ones_are_minus_one() -> None:
    data = CaseDataset([table(4, target=["b", None, "a", "zzz"])], SCHEMA, told())
    assert data.targets == [1, -1, 0, -1]
    assert (data[0].target, data[0].case_id) == (1, "case 0")


def test_training_hides_the_photo_or_the_whole_history_and_never_both() -> None:
    data = CaseDataset([table(200)], SCHEMA, told(), hiding=Hiding(history=0.3, image=0.2))
    seen: Counter[tuple[bool, bool]] = Counter()
    for row in range(200):
        for epoch in range(10):
            rows = data[row, epoch].rows
            assert bool(rows["text"]) == bool(rows["metadata"])
            seen[bool(rows["image"]), bool(rows["text"])] += 1
    assert seen[False, False] == 0
    assert seen[True, False] / 2000 == pytest.approx(0.3, abs=0.04)  # four standard deviations
    assert seen[False, True] / 2000 == pytest.approx(0.2, abs=0.04)


def test_of_several_kinds_of_photos_any_set_is_hidden_and_something_always_stays() -> None:
    schema = SCHEMA.model_copy(update={"photos": ("clinical", "dermoscopic")})
    images = [("a.png", "b.png")] * 300
    kinds = [("clinical", "dermoscopic")] * 300
    readers: dict[str, Reader] = {kind: Told(of_history=False, kind=kind) for kind in schema.photos}
    for with_history in (True, False):
        more: dict[str, Reader] = {"text": Told(of_history=True)} if with_history else {}
        rows = table(300, images=images, image_kinds=kinds)
        data = CaseDataset([rows], schema, readers | more, hiding=Hiding(history=0.2, image=0.3))
        seen: Counter[tuple[bool, ...]] = Counter()
        for row in range(300):
            for epoch in range(10):
                seen[tuple(bool(there) for there in data[row, epoch].rows.values())] += 1
        assert not any(set(there) == {False} for there in seen)
        if with_history:
            assert seen[True, True, False] / 3000 == pytest.approx(0.2, abs=0.03)  # four standard deviations
        hidden = [there for there in seen if not all(there[:2])]
        sets = 3 if with_history else 2
        assert len(hidden) == sets
        for there in hidden:
            assert seen[there] / 3000 == pytest.approx(0.3 / sets, abs=0.03)


def test_what_a_case_has_alone_is_never_hidden() -> None:
    blank = {name: [None] * 50 for name in SCHEMA.field_names}
    for only in (table(50, **blank), table(50, images=[()] * 50)):
        data = CaseDataset([only], SCHEMA, told(), hiding=Hiding(history=0.5, image=0.49))
        plain = CaseDataset([only], SCHEMA, told())
        for row in range(50):
            assert {m: len(r) for m, r in data[row, 3].rows.items()} == {m: len(r) for m, r in plain[row].rows.items()}


def test_what_is_hidden_depends_on_case_epoch_and_seed_alone() -> None:
    def hidden(seed: int) -> list[tuple[bool, ...]]:
        data = CaseDataset([table(40)] * 2, SCHEMA, told(), hiding=Hiding(fields=0.3, history=0.3), seed=seed)
        return [tuple(bool(rows) for rows in data[row, 1].rows.values()) for row in range(40)]

    assert hidden(0) == hidden(0)
    assert hidden(0) != hidden(1)


def test_note_and_columns_tell_the_same_facts_when_fields_are_hidden() -> None:
    note_reader = NoteReader(HashNote(buckets=64, ngrams=(), max_tokens=50), SCHEMA, vary=True)
    columns_reader = ColumnsReader(PrepareFields(SCHEMA.fields))
    data = CaseDataset([table(60)] * 3, SCHEMA, {}, hiding=Hiding(fields=0.4))
    hidden = 0
    for case in data.cases():
        note = note_reader.note(case).lower()
        rows = columns_reader(case)
        codes = inputs(rows[0], "codes").tolist() if rows else [0] * 4
        for field, code in zip(SCHEMA.fields, codes, strict=True):
            assert (field.title.lower() in note) == (code != 0), (note, codes)
        hidden += codes.count(0)
        if case.view == 0:
            assert codes.count(0) == 0
    assert hidden / (60 * 2 * 4) == pytest.approx(0.4, abs=0.09)  # four standard deviations


def test_an_empty_history_has_no_note_and_no_columns() -> None:
    note_reader = NoteReader(HashNote(buckets=64, ngrams=(), max_tokens=50), SCHEMA)
    columns_reader = ColumnsReader(PrepareFields(SCHEMA.fields))
    words_only = History(text="it itches")
    assert note_reader(RawCase("x", {}, History())) == columns_reader(RawCase("x", {}, History())) == []
    assert len(note_reader(RawCase("x", {}, words_only))) == 1
    assert columns_reader(RawCase("x", {}, words_only)) == []


def test_a_photo_varies_by_view_and_the_plain_view_never_does(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8)).save(path)
    reader = PhotoReader("image", PREPARE_PHOTO, augment=Augment(), keep=1)
    plain = PhotoReader("image", PREPARE_PHOTO)

    def pixels(of: PhotoReader, view: int) -> torch.Tensor:
        (row,) = of(RawCase("x", {"image": [str(path)]}, History(), view))
        return inputs(row, "pixels")

    assert torch.equal(pixels(reader, 0), pixels(plain, 0))
    assert torch.equal(pixels(plain, 0), pixels(plain, 3))
    assert torch.equal(pixels(reader, 2), pixels(reader, 2))
    assert not torch.equal(pixels(reader, 1), pixels(reader, 2))
    assert len(reader.kept) == 1
    assert len(plain.kept) == 0


def test_a_data_set_travels_to_workers_of_any_start_method(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (8, 8)).save(path)
    readers: dict[str, Reader] = {
        "image": PhotoReader("image", PREPARE_PHOTO, augment=Augment(), keep=4),
        "text": NoteReader(HashNote(buckets=64, ngrams=(), max_tokens=50), SCHEMA),
    }
    data = CaseDataset([table(2, images=[(str(path),)] * 2)] * 2, SCHEMA, readers, hiding=Hiding(history=0.1))
    copy = pickle.loads(pickle.dumps(data))
    here, there = collate([data[0, 1]]), collate([copy[0, 1]])
    assert torch.equal(inputs(here.inputs["image"], "pixels"), inputs(there.inputs["image"], "pixels"))


def test_a_batch_says_which_rows_belong_to_which_case() -> None:
    rows: list[Row] = [{"ids": torch.tensor([1])}, {"ids": torch.tensor([2, 3])}, {"ids": torch.tensor([4])}]
    batch = collate([Case({"text": rows[:2]}, 1, "x"), Case({"text": []}, -1, "y"), Case({"text": rows[2:]}, 0, "z")])
    assert inputs(batch.inputs["text"], "ids").tolist() == [[1, 0], [2, 3], [4, 0]]
    assert batch.case_index["text"].tolist() == [0, 0, 2]
    assert batch.present["text"].tolist() == [True, False, True]
    assert batch.target.tolist() == [1, -1, 0]
    assert batch.case_id == ["x", "y", "z"]


def test_stored_features_of_different_lengths_are_masked() -> None:
    long = Features(torch.zeros(2), torch.ones(3, 2), torch.ones(3, dtype=torch.bool))
    short = Features(torch.ones(2), torch.ones(1, 2), torch.ones(1, dtype=torch.bool))
    stacked = stack_rows([long, short])
    assert isinstance(stacked, Features)
    assert stacked.mask is not None
    assert stacked.mask.tolist() == [[True] * 3, [True, False, False]]
    pooled_only = stack_rows([Features(torch.zeros(2))])
    assert isinstance(pooled_only, Features)
    assert pooled_only.tokens is None
