from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from real_data import real_data

from mmskin.audit.duplicates import Pair, find_copies, photos_of
from mmskin.audit.traces import trace_photos
from mmskin.data.sources.pad_ufes_20 import PadUfes20
from mmskin.data.sources.synthetic import Synthetic
from mmskin.data.table import Cases
from mmskin.encoders import weights
from mmskin.schema import Schema
from mmskin.synthetic import make_clinic

SCHEMA = Schema(name="two", classes=("NEV", "BCC"))
Row = tuple[str, list[str], str | None]  # case, photos, target


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Cases:
    return Synthetic().load(make_clinic(tmp_path_factory.mktemp("clinic"), cases=40, size=128, seed=11))


@pytest.fixture(scope="module")
def photos(clinic: Cases) -> list[str]:
    return photos_of(clinic)


def cases(*rows: Row, lesions: list[str] | None = None) -> Cases:
    table = pd.DataFrame(
        {
            "case_id": [case for case, _, _ in rows],
            "patient_id": [case[0] for case, _, _ in rows],
            "lesion_id": lesions or [case for case, _, _ in rows],
            "images": [tuple(images) for _, images, _ in rows],
            "target": [target for _, _, target in rows],
        },
        dtype=object,
    )
    return Cases(SCHEMA, table)


def plant(source: str, folder: Path) -> dict[str, str]:
    """By kind, the path of a copy of a photo."""
    image = Image.open(source)
    turned = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    made = {
        "same bytes": None,
        "re-encoded": (image, 65),
        "resized": (image.resize((77, 77), Image.Resampling.BICUBIC), 92),
        "cropped": (image.crop((9, 2, 124, 117)), 92),
        "mirrored": (turned, 92),
        "mirrored and cropped": (turned.crop((0, 5, 115, 120)), 75),
    }
    folder.mkdir(exist_ok=True)
    paths = {kind: folder / f"{Path(source).stem} {kind}.jpg" for kind in made}
    for kind, copy in made.items():
        if copy is None:
            shutil.copy(source, paths[kind])
        else:
            copy[0].save(paths[kind], quality=copy[1])
    return {kind: str(path) for kind, path in paths.items()}


def test_distinct_photos_are_not_paired(clinic: Cases) -> None:
    assert find_copies(clinic) == []


def test_every_kind_of_copy_is_found_and_named_and_nothing_else(photos: list[str], tmp_path: Path) -> None:
    planted = [plant(photo, tmp_path) for photo in photos[:6]]
    copies = [list(by_kind.items())[i] for i, by_kind in enumerate(planted)]  # of each photo another kind
    rows: list[Row] = [(f"p{i}", [photo], "NEV") for i, photo in enumerate(photos)]
    rows += [(f"c{i}", [path], "NEV") for i, (_, path) in enumerate(copies)]
    pairs = find_copies(cases(*rows))
    how = {"re-encoded": "re-encoded or resized", "resized": "re-encoded or resized"}
    wanted = {(f"p{i}", f"c{i}", how.get(kind, kind)) for i, (kind, _) in enumerate(copies)}
    assert {(pair.first, pair.second, pair.how) for pair in pairs} == wanted
    assert [pair.kind for pair in pairs] == ["exact"] + 5 * ["near"]
    assert [pair.similarity for pair in pairs] == sorted((pair.similarity for pair in pairs), reverse=True)


def test_without_the_weights_hashes_find_what_is_not_cropped(
    photos: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "find_spec", lambda name: None)
    planted = plant(photos[0], tmp_path)
    kinds = ("re-encoded", "resized", "mirrored")
    rows: list[Row] = [(f"p{i}", [photo], "NEV") for i, photo in enumerate(photos)]
    pairs = find_copies(cases(*rows, *((kind, [planted[kind]], "NEV") for kind in kinds)))
    assert {pair.second for pair in pairs if pair.first == "p0"} == set(kinds)


def test_a_pair_tells_lesion_patient_and_label(photos: list[str], tmp_path: Path) -> None:
    mirrored = plant(photos[0], tmp_path)["mirrored"]
    rows: list[Row] = [("a1", [photos[0]], "NEV"), ("a2", [mirrored], "BCC")]
    traces = trace_photos([photos[0], mirrored], embedded=False)
    (pair,) = find_copies(cases(*rows, lesions=["same", "same"]), traces=traces)
    assert pair == Pair(
        first="a1",
        second="a2",
        photos=(photos[0], mirrored),
        kind="near",
        how="mirrored",
        similarity=pair.similarity,
        same_lesion=True,
        same_patient=True,
        same_label=False,
    )
    assert pair.similarity > 0.9
    rows = [("a1", [photos[0]], "NEV"), ("b1", [mirrored], None)]
    (pair,) = find_copies(cases(*rows), traces=traces)
    assert (pair.same_lesion, pair.same_patient, pair.same_label) == (False, False, None)


def test_many_exact_copies_are_each_paired_with_the_first(photos: list[str], tmp_path: Path) -> None:
    """Three cases hold the same bytes, two of them the same file; one case holds its photo twice."""
    copy = str(shutil.copy(photos[0], tmp_path / "0 copy.jpg"))
    twin = str(shutil.copy(photos[1], tmp_path / "1 copy.jpg"))
    told = cases(
        ("a", [photos[0]], "NEV"), ("b", [photos[1], twin], "NEV"), ("c", [copy], "BCC"), ("d", [photos[0]], "BCC")
    )
    pairs = find_copies(told, traces=trace_photos(photos_of(told), embedded=False))
    assert [(pair.first, pair.second, pair.same_label) for pair in pairs] == [
        ("a", "c", False),
        ("a", "d", False),
        ("b", "b", True),
    ]
    assert {pair.kind for pair in pairs} == {"exact"}


def test_any_photo_of_a_case_counts_and_unreadable_ones_do_not(photos: list[str], tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"")
    cropped = plant(photos[2], tmp_path)["re-encoded"]
    told = cases(("a", photos[:3], "NEV"), ("b", [str(broken)], "NEV"), ("c", [], "NEV"), ("d", [cropped], "NEV"))
    traces = trace_photos(photos_of(told), embedded=False)
    (pair,) = find_copies(told, traces=traces)
    assert (pair.first, pair.second, pair.photos) == ("a", "d", (photos[2], cropped))
    assert list(traces.unreadable) == [str(broken)]


@pytest.mark.parametrize("number", [0, 1])
def test_none_and_one_photo_have_no_copies(photos: list[str], number: int) -> None:
    assert find_copies(cases(("a", photos[:number], "NEV"))) == []


def test_the_known_copies_of_the_real_sample_are_found_among_a_hundred() -> None:
    known = {
        ("PAT_759_1433_914", "PAT_759_1538_566", "exact"),
        ("PAT_56_86_479", "PAT_56_88_274", "near"),
        ("PAT_701_1321_156", "PAT_701_4056_457", "near"),
    }
    real = PadUfes20().load(real_data("pad_ufes_20"))
    named = real.table.case_id.isin({case for *pair, _ in known for case in pair})
    others = real.table[~named].drop_duplicates("patient_id").head(94)
    table = pd.concat([real.table[named], others], ignore_index=True)
    pairs = find_copies(real._replace(table=table))
    assert {(*sorted((pair.first, pair.second)), pair.kind) for pair in pairs} == known
    assert all(pair.same_patient and not pair.same_lesion for pair in pairs)
    assert not next(pair for pair in pairs if pair.kind == "exact").same_label
