from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_encoders import write_bert
from torch import Tensor

from mmskin.encoders.encoder_contract import Encoder
from mmskin.encoders.hashing_text import HashingTextEncoder
from mmskin.encoders.timm_image import TimmImageEncoder
from mmskin.encoders.transformers_text import TransformersTextEncoder
from mmskin.errors import ConfigError, ModelError
from mmskin.features import Features
from mmskin.inputs.augment import Augment
from mmskin.inputs.batch import Row, stack_rows
from mmskin.inputs.feature_store import FeatureStore, StoredNotes, StoredPhotos, check_room, stored_bytes
from mmskin.inputs.readers import NoteReader, PhotoReader, RawCase
from mmskin.model.feature_extraction import extract, fingerprint
from mmskin.schema import Field, History, Schema

SCHEMA = Schema(name="tiny", classes=("a", "b"), fields=(Field(name="itch", kind="yes_no"),))


def frozen(make: Callable[[], Encoder], seed: int = 0) -> Encoder:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return make().eval().requires_grad_(False)


def cnn(seed: int = 0, side: int = 32) -> Encoder:
    return frozen(lambda: TimmImageEncoder(model="test_efficientnet", image_size=side), seed)


def photo(path: Path, seed: int) -> str:
    pixels = np.random.default_rng(seed).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return str(path)


def case(*images: str, view: int = 0) -> RawCase:
    return RawCase("case", {"image": images}, History(), view)


def pooled(*values: float) -> Features:
    return Features(torch.tensor(values)[:, None])


def test_rows_come_back_as_float16_keeps_them(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path / "s")
    tokens = torch.tensor([[[1.0], [2.0]], [[3.0], [9.0]]])
    mask = torch.tensor([[True, True], [True, False]])
    store.add(["a", "b"], Features(torch.tensor([[1 / 3], [2.0]]), tokens, mask))
    assert store["a"].pooled.tolist() == [0.333251953125]  # 1/3 with eleven binary digits
    assert store["a"].pooled.dtype == torch.float32
    a, b = store["a"].tokens, store["b"].tokens
    assert a is not None
    assert b is not None
    assert (a.tolist(), b.tolist()) == ([[1.0], [2.0]], [[3.0]])  # of b only the token that is there


def test_shards_are_found_again_and_two_stores_can_add_at_the_same_time(tmp_path: Path) -> None:
    first, second = FeatureStore(tmp_path), FeatureStore(tmp_path)

    def fill(store: FeatureStore, start: int) -> None:
        for n in range(start, start + 20):
            store.add([f"key {n}"], pooled(float(n)))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(fill, (first, second), (0, 20)))
    third = FeatureStore(tmp_path)
    assert [third[f"key {n}"].pooled.item() for n in range(40)] == list(range(40))
    assert "key 40" not in third


def test_arrays_without_their_index_count_as_never_written(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path)
    store.add(["a"], pooled(1.0))
    (index,) = tmp_path.glob("*.json")
    index.unlink()  # as if the process had been killed before its last step
    assert "a" not in FeatureStore(tmp_path)


def test_what_float16_cannot_hold_is_refused(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path)
    with pytest.raises(ModelError, match="pooled outputs leave the range of float16"):
        store.add(["a"], pooled(70000.0))
    assert "a" not in FeatureStore(tmp_path)


def test_stored_features_equal_a_live_forward_within_half_a_float16_step(tmp_path: Path) -> None:
    encoder = cnn()
    reader = PhotoReader("image", encoder.prepare)
    stored = StoredPhotos(FeatureStore(tmp_path / "s"), reader)
    cases = [case(photo(tmp_path / f"{n}.png", n)) for n in range(5)]
    extract(stored.store, encoder, stored.missing(cases), tokens=True, batch_size=2, shard_rows=3)
    assert len(stored.store.shards) == 2
    kept = stack_rows([row for one in cases for row in stored(one)])
    live = encoder(stack_rows([row for one in cases for row in reader(one)]))
    assert isinstance(kept, Features)
    for here, there in ((kept.pooled, live.pooled), (kept.tokens, live.tokens)):
        assert isinstance(here, Tensor)
        # 2⁻¹¹ of a value is half of float16's step; 1e-5 for float32 sums in batches of another size
        assert torch.allclose(here, there, rtol=2**-11, atol=1e-5)


def test_stored_notes_of_different_lengths_keep_their_own_tokens_only(tmp_path: Path) -> None:
    encoder = frozen(lambda: HashingTextEncoder(dim=8, buckets=64))
    reader = NoteReader(encoder.prepare, SCHEMA)
    stored = StoredNotes(FeatureStore(tmp_path), reader)
    told = [History(text="it bleeds"), History({"itch": "no"}, "it has grown for a year"), History()]
    cases = [RawCase("case", {}, history) for history in told]
    extract(stored.store, encoder, stored.missing(cases), tokens=True)
    assert stored(cases[2]) == []
    for one in cases[:2]:
        (row,) = stored(one)
        live = encoder(stack_rows(reader(one)))
        assert isinstance(row, Features)
        assert row.tokens is not None
        assert torch.allclose(row.tokens, live.tokens[0], rtol=2**-11, atol=1e-4)


def test_only_what_is_missing_is_computed(tmp_path: Path) -> None:
    calls = []

    class Counting(HashingTextEncoder):
        def forward(self, inputs: dict[str, Tensor]) -> Features:  # type: ignore[override]
            calls.append(len(inputs["ids"]))
            return super().forward(inputs)

    encoder = frozen(lambda: Counting(dim=8, buckets=64))
    stored = StoredNotes(FeatureStore(tmp_path), NoteReader(encoder.prepare, SCHEMA))
    notes = [RawCase("case", {}, History(text=text)) for text in ("one", "two", "one", "three")]
    extract(stored.store, encoder, stored.missing(notes[:2]), tokens=False)
    extract(stored.store, encoder, stored.missing(notes), tokens=False)
    assert calls == [2, 1]
    assert stored.missing(notes) == {}
    again = StoredNotes(FeatureStore(tmp_path), stored.reader)
    assert again.missing(notes) == {}


def test_photos_are_filed_by_their_bytes_and_not_by_their_path(tmp_path: Path) -> None:
    first = photo(tmp_path / "first.png", 0)
    same = str(shutil.copy(first, tmp_path / "same.png"))
    other = photo(tmp_path / "other.png", 1)
    stored = StoredPhotos(FeatureStore(tmp_path / "s"), PhotoReader("image", cnn().prepare))
    assert len(stored.missing([case(first, same), case(other)])) == 2


def test_a_view_is_filed_by_its_photo_its_variation_and_the_recipe(tmp_path: Path) -> None:
    path = photo(tmp_path / "a.png", 0)

    def keys(augment: Augment | None, seed: int = 0) -> list[str]:
        reader = PhotoReader("image", cnn().prepare, augment=augment, seed=seed)
        stored = StoredPhotos(FeatureStore(tmp_path / "s"), reader)
        return [stored.key(reader.views(case(path, view=view))[0]) for view in range(3)]

    plain, mild, strong, reseeded = keys(None), keys(Augment(zoom=0.1)), keys(Augment(zoom=0.5)), keys(Augment(), 1)
    assert len(set(plain)) == 1
    assert plain[0] == mild[0] == strong[0]  # the plain view is nobody's variation
    assert len({*plain, *mild, *strong, *reseeded}) == 7


def test_the_fingerprint_tells_weights_preprocessing_options_and_what_is_kept_apart(tmp_path: Path) -> None:
    bert = write_bert(tmp_path / "bert")
    same = fingerprint(cnn())
    assert same == fingerprint(cnn())
    assert len(same) == 24
    others = [
        fingerprint(cnn(seed=1)),
        fingerprint(cnn(side=64)),
        fingerprint(cnn(), extra="224"),
        # same tensors, same preparation: only the pooling differs
        fingerprint(TransformersTextEncoder(model=str(bert), max_length=24)),
        fingerprint(TransformersTextEncoder(model=str(bert), max_length=24, pooling="cls")),
    ]
    assert len({same, *others}) == 6


def test_progress_is_told(tmp_path: Path) -> None:
    encoder = frozen(lambda: HashingTextEncoder(dim=8, buckets=64))
    wanted: dict[str, Callable[[], Row]] = {str(n): lambda: encoder.prepare("a") for n in range(5)}
    told: list[tuple[int, int]] = []
    extract(
        FeatureStore(tmp_path), encoder, wanted, tokens=False, batch_size=2, progress=lambda *done: told.append(done)
    )
    assert told == [(2, 5), (4, 5), (5, 5)]


def test_a_folder_that_has_grown_beyond_its_limit_takes_no_more(tmp_path: Path) -> None:
    (tmp_path / "encoder").mkdir()
    (tmp_path / "encoder" / "a.npy").write_bytes(bytes(3000))
    assert stored_bytes(tmp_path) == 3000
    check_room(tmp_path, limit=4e-6)
    with pytest.raises(ConfigError, match=r"more than features_limit, 2e-06 GB: delete the folder"):
        check_room(tmp_path, limit=2e-6)
    assert stored_bytes(tmp_path / "nothing") == 0
