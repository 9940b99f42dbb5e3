from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from mmskin.errors import ImageError
from mmskin.schema import Field, Schema

gr = pytest.importorskip("gradio")

SCHEMA = Schema(
    name="tiny",
    classes=("NEV", "MEL"),
    class_titles={"MEL": "Melanoma"},
    fields=(
        Field(name="age", kind="numeric", unit="years", low=0, high=120),
        Field(name="since", kind="duration"),
        Field(name="site", kind="categorical", choices=("arm", "leg")),
        Field(name="itch", kind="yes_no", label="Does it itch?"),
    ),
)


class FakePredictor:
    """Remembers what it was asked; refuses any photo called bad.jpg."""

    schema = SCHEMA

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def predict(self, image: str | None = None, metadata: Any = None, text: str | None = None) -> SimpleNamespace:
        self.asked.append({"image": image, "metadata": metadata, "text": text})
        if image and image.endswith("bad.jpg"):
            raise ImageError(f"photo '{image}' is <b> an empty file")
        used, missing = (("image", "text"), ()) if image else (("text",), ("image",))
        probabilities = {"MEL": 0.75, "NEV": 0.25}
        return SimpleNamespace(
            probabilities=probabilities,
            used=used,
            missing=missing,
            remarks=("the photo seems blurred",),
            note="A note.",
        )

    def heatmap(self, image: str, metadata: Any = None, text: str | None = None) -> Image.Image:
        return Image.new("RGB", (8, 8), (9, 9, 9))


@pytest.fixture(scope="module")
def demo() -> ModuleType:
    path = Path(__file__).parents[1] / "demo" / "app.py"
    spec = importlib.util.spec_from_file_location("demo_app", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def predictor() -> FakePredictor:
    return FakePredictor()


@pytest.fixture
def app(demo: ModuleType, predictor: FakePredictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return in_a_loop(demo.build_app, predictor)


def in_a_loop(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call where an event loop runs; without one gradio opens some and never closes them."""

    async def call() -> Any:
        return function(*arguments)

    return asyncio.run(call())


def answer_of(app: Any) -> Any:
    (event,) = app.fns.values()
    return event.fn


def test_the_form_asks_for_each_declared_field_and_starts_at_not_recorded(app: Any) -> None:
    (event,) = app.fns.values()
    labels = [block.label for block in event.inputs]
    assert labels == ["Photo", "What the patient says", "Age (years)", "Since", "Since, in", "Site", "Does it itch?"]
    age, since, _, site, itch = event.inputs[2:]
    assert (age.value, age.minimum, age.maximum, since.value) == (None, 0, 120, None)
    assert site.choices == [("not recorded", ""), ("arm", "arm"), ("leg", "leg"), ("unknown", "unknown")]
    assert [value for _, value in itch.choices] == ["", "yes", "no", "unknown"]
    assert site.value == itch.value == ""


def test_an_answer_shows_titles_what_was_used_and_what_was_missing(app: Any, predictor: FakePredictor) -> None:
    bars, heatmap, rests_on, note = answer_of(app)("a.jpg", "it scabs", 62, 2, "weeks", "arm", "yes")
    assert predictor.asked == [
        {
            "image": "a.jpg",
            "metadata": {"age": 62, "since": 14.0, "site": "arm", "itch": "yes"},
            "text": "it scabs",
        }
    ]
    assert bars == {"Melanoma (MEL)": 0.75, "NEV (NEV)": 0.25}
    assert heatmap.size == (8, 8)
    assert rests_on == "used: image, text\nmissing: nothing\nthe photo seems blurred"
    assert note == "A note."


def test_an_empty_form_is_an_empty_history_and_draws_no_heat_map(app: Any, predictor: FakePredictor) -> None:
    _, heatmap, rests_on, _ = answer_of(app)(None, "", None, None, "months", "", "")
    history = SCHEMA.parse_history(predictor.asked[0]["metadata"], predictor.asked[0]["text"])
    assert history.is_empty()
    assert heatmap is None
    assert "missing: image" in rests_on


def test_what_the_user_got_wrong_is_one_line_without_html_server_paths_or_traceback(app: Any) -> None:
    with pytest.raises(gr.Error) as caught:
        answer_of(app)("/private/bad.jpg", "", None, None, "months", "", "")
    assert caught.value.message == "photo &#x27;bad.jpg&#x27; is &lt;b&gt; an empty file"
    assert not caught.value.print_exception


def test_the_upload_reaches_the_predictor_as_it_is(app: Any, predictor: FakePredictor, tmp_path: Path) -> None:
    (event,) = app.fns.values()
    upload = tmp_path / "lesion.jpg"
    upload.write_bytes(b"not a picture")  # gradio's own reader would fail on it, without a word on why
    values = [{"path": str(upload), "meta": {"_type": "gradio.FileData"}}, "", None, None, "months", "", ""]
    result = asyncio.run(app.process_api(event, values))
    assert predictor.asked[0]["image"] == str(upload)
    assert result["data"][0]["label"] == "Melanoma (MEL)"


def test_the_page_says_twice_that_it_is_no_diagnosis(app: Any) -> None:
    pages = [block.value for block in app.blocks.values() if isinstance(block, gr.Markdown)]
    assert sum("not a diagnosis" in page for page in pages) == 2


def test_nothing_is_sent_recorded_or_kept(
    demo: ModuleType, predictor: FakePredictor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: dict[str, Any] = {}

    def launch(app: Any, **options: Any) -> None:
        folder = Path(demo.os.environ["GRADIO_TEMP_DIR"])
        seen.update(options, app=app, folder=folder, mode=folder.stat().st_mode & 0o777)

    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    monkeypatch.setattr(demo.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(demo.signal, "signal", lambda *_: None)
    monkeypatch.setattr(gr.Blocks, "launch", launch)
    monkeypatch.setattr(demo.Predictor, "load", lambda folder: predictor)
    monkeypatch.setattr(sys, "argv", ["app.py", "--model", "somewhere"])
    assert in_a_loop(demo.main) == 0
    assert (seen["server_name"], seen["share"], seen["run_history"]) == ("127.0.0.1", False, False)
    assert seen["max_file_size"] == "20mb"
    assert seen["mode"] == 0o700
    assert not seen["folder"].exists()
    assert seen["app"].delete_cache == (60, 600)
    assert not seen["app"].analytics_enabled
    assert seen["app"]._queue.max_size == 16


def test_a_model_that_is_not_there_gives_its_exit_code(
    demo: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["app.py", "--model", str(tmp_path / "nothing")])
    assert demo.main() == 3
    assert "nothing" in capsys.readouterr().err
