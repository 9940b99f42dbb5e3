"""Photos on the command line: by kind for a model that reads several, plainly for one that reads one."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from cli.conftest import Type, is_one_plain_line
from explain.small_predictors import PAIR, small_predictor
from PIL import Image
from tiny_encoders import photo

from mmskin.cli.options import read_photos
from mmskin.errors import UserError
from mmskin.schema import Schema
from mmskin.trained.saved_model import save_model


def reads(*modalities: str, photos: tuple[str, ...] = ("image",)) -> SimpleNamespace:
    return SimpleNamespace(modalities=modalities, schema=Schema(name="t", classes=("a", "b"), photos=photos))


def test_one_kind_takes_plain_paths_whatever_their_names() -> None:
    one = reads("image", "text")
    assert read_photos(["a.jpg", "id=7.jpg"], one) == {"image": ["a.jpg", "id=7.jpg"]}
    assert read_photos(["image=a.jpg"], one) == {"image": ["a.jpg"]}
    assert read_photos([], one) == {}


def test_a_file_that_is_there_is_no_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("image=a.jpg").touch()
    Path("clinical=b.jpg").touch()
    assert read_photos(["image=a.jpg"], reads("image")) == {"image": ["image=a.jpg"]}
    assert read_photos(["clinical=b.jpg"], reads("clinical", photos=PAIR)) == {"clinical": ["clinical=b.jpg"]}
    assert read_photos(["clinical=clinical=b.jpg"], reads(*PAIR, photos=PAIR)) == {"clinical": ["clinical=b.jpg"]}


def test_several_kinds_are_named() -> None:
    both = reads(*PAIR, "text", photos=PAIR)
    asked = ["dermoscopic=b.jpg", "clinical=a.jpg", "clinical=c=d.jpg"]
    assert read_photos(asked, both) == {"dermoscopic": ["b.jpg"], "clinical": ["a.jpg", "c=d.jpg"]}
    with pytest.raises(UserError, match=r"clinical photos and dermoscopic photos: .* --image clinical=a.jpg$"):
        read_photos(["clinical=b.jpg", "a.jpg"], both)
    with pytest.raises(UserError, match=r"photo kind 'dermoscopy' does not exist.*'dermoscopic'"):
        read_photos(["dermoscopy=b.jpg"], both)


def test_a_model_that_reads_one_of_two_kinds_takes_it_plainly_or_by_name() -> None:
    clinical = reads("clinical", "text", photos=PAIR)
    assert read_photos(["a.jpg"], clinical) == read_photos(["clinical=a.jpg"], clinical) == {"clinical": ["a.jpg"]}
    assert read_photos(["dermoscopic=b.jpg"], clinical) == {"dermoscopic": ["b.jpg"]}
    assert read_photos(["a.jpg"], reads("text", photos=PAIR)) == {"clinical": ["a.jpg"]}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved model that reads two kinds of photo and a note, with a photo of each kind beside it."""
    folder = tmp_path_factory.mktemp("pair")
    save_model(small_predictor("late", *PAIR, "text", photos=PAIR).trained, folder / "model")
    for kind, (seed, size) in zip(PAIR, ((1, (60, 80)), (2, (90, 70))), strict=True):
        pixels = photo(seed, *size).permute(1, 2, 0).numpy()
        Image.fromarray(pixels).save(folder / f"{kind}.png")
    return folder


def given(folder: Path, *kinds: str) -> str:
    return " ".join(f"--image {kind}={folder}/{kind}.png" for kind in kinds)


def test_predict_reads_photos_by_kind_and_maps_the_kind_that_is_asked_for(
    mmskin_: Type, model: Path, tmp_path: Path
) -> None:
    asked = f"predict {model}/model --field itch=yes"
    code, told, _ = mmskin_(f"{asked} {given(model, *PAIR)} --json")
    both = json.loads(told)
    assert (code, both["used"], both["missing"]) == (0, [*PAIR, "text"], [])
    code, told, _ = mmskin_(f"{asked} {given(model, 'dermoscopic')} --json")
    one = json.loads(told)
    assert (code, one["used"], one["missing"]) == (0, ["dermoscopic", "text"], ["clinical"])
    assert one["probabilities"] != both["probabilities"]

    sizes = {}
    for which in ("", "--kind clinical", "--kind dermoscopic"):
        heatmap = tmp_path / "heat.png"
        assert mmskin_(f"{asked} {given(model, *PAIR)} --heatmap {heatmap} {which}")[0] == 0
        with Image.open(heatmap) as drawn:
            sizes[which] = drawn.size
    assert sizes == {"": (80, 60), "--kind clinical": (80, 60), "--kind dermoscopic": (70, 90)}
    assert mmskin_(f"{asked} {given(model, 'dermoscopic')} --heatmap {heatmap}")[0] == 0
    with Image.open(heatmap) as drawn:
        assert drawn.size == (70, 90)


def test_explain_maps_every_kind(mmskin_: Type, model: Path, tmp_path: Path) -> None:
    code, told, _ = mmskin_(f"explain {model}/model {given(model, *PAIR)} --field itch=yes --output {tmp_path}")
    assert code == 0
    assert "the clinical photo" in told
    for name, size in (("clinical_heatmap.png", (80, 60)), ("dermoscopic_heatmap.png", (70, 90))):
        with Image.open(tmp_path / name) as drawn:
            assert drawn.size == size
    shares = json.loads((tmp_path / "explanation.json").read_text(encoding="utf-8"))["shares"]
    assert list(shares["points"]) == ["clinical photo", "dermoscopic photo", "fields"]
    assert list(shares["alone"]) == ["clinical photo", "dermoscopic photo", "history"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("--image FOLDER/clinical.png", "say which this is, such as --image clinical="),
        ("--image slide=x.png", "photo kind 'slide' does not exist"),
        ("--image clinical=FOLDER/nothing.png", "does not exist"),
        ("--image clinical=FOLDER/clinical.png --heatmap x.png --kind slide", "photo kind 'slide' does not exist"),
        (
            "--image clinical=FOLDER/clinical.png --heatmap x.png --kind dermoscopic",
            "a heat map of the dermoscopic photo needs that photo, however: this case has none",
        ),
    ],
)
def test_a_mistake_is_one_plain_line(mmskin_: Type, model: Path, line: str, told: str) -> None:
    code, _, complaint = mmskin_(f"predict {model}/model {line.replace('FOLDER', str(model))}")
    assert code == 2
    assert told in complaint
    assert is_one_plain_line(complaint)
