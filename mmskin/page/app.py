"""The clinician's page: photo and history in, an answer that can be questioned.

python demo/app.py [--model runs/my_run]        (or `mmskin demo`, in a source checkout)

Without --model a small model is trained once on invented diseases (about a minute) and kept in a cache.

It runs on this computer only, unless --host says otherwise; anyone who can reach the port can use it then. What a
visitor sends stays in memory, is never written to a disk, and is seen by nobody else. A server that strangers can reach
belongs behind a proxy with TLS that closes slow connections: a client that never ends its headers is held open.

The API is what the page uses, under the same limits (20 MB and 40 megapixels a photo, 5,000 characters, 60 requests a
minute of one address, 16 waiting). The session cookie of the first answer has to come along:

    curl -c jar -b jar -F files=@lesion.jpg http://127.0.0.1:7860/gradio_api/upload
    → ["…/NAME.jpg"], which is a name and no file
    curl -c jar -b jar -H 'content-type: application/json' http://127.0.0.1:7860/gradio_api/call/predict \
         -d '{"data": ["NAME.jpg", {"age": 62, "itch": "yes"}, "it scabs"]}'
    → {"event_id": "ID"}; photo and text may be null, the fields {}; a duration is in days. A model that reads several
      kinds of photo takes an object of names by kind: {"clinical": "NAME.jpg", "dermoscopic": "NAME.jpg"}
    curl -b jar http://127.0.0.1:7860/gradio_api/call/predict/ID
    → what `Prediction.to_json` gives; or {"error": "one sentence"}
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read by gradio when it is imported
import gradio as gr
from gradio.data_classes import ImageData
from starlette.middleware import Middleware

from mmskin.api.predictor import Predictor
from mmskin.errors import MmskinError, UserError, one_of
from mmskin.features import photo_title
from mmskin.language import ENGLISH, languages
from mmskin.page.answer import HERE, Case, Shown, answer_in_steps, ask, check_text, photo_kinds, refused
from mmskin.page.card import card
from mmskin.page.default_model import cache_folder, default_run
from mmskin.page.examples import draw_examples
from mmskin.page.form import fill_widgets, make_widgets, read_widgets
from mmskin.page.gate import Gate, Rate, cookie_of
from mmskin.page.photos import Kept, Photos
from mmskin.page.spoken import w
from mmskin.reminder import NOT_A_DIAGNOSIS
from mmskin.report.explanation_html import STYLE

WAITING = 16
# A screen reader is told when the answer changes and what each row of choices is about; a phone shows digits where
# numbers belong.
ON_LOAD = """() => {
  for (const id of ['answer', 'why']) {
    const place = document.getElementById(id);
    place.setAttribute('aria-live', id === 'answer' ? 'polite' : 'off');
    place.setAttribute('role', 'region');
  }
  for (const group of document.querySelectorAll('fieldset')) {
    group.setAttribute('role', 'radiogroup');
    group.setAttribute('aria-label', group.querySelector('[data-testid=block-info]').innerText);
  }
  document.querySelectorAll('.number :is(input, textarea)').forEach(field => field.inputMode = 'decimal');
}"""

log = logging.getLogger("mmskin.demo")


class Page:
    """What the page does when somebody asks.

    Args:
        predictor: of the model.
        photos: where visitors' photos are kept.
        model: how the model is called in reports.
        is_real: whether it was trained on anything but invented cases.
    """

    def __init__(self, predictor: Predictor, photos: Photos, *, model: str, is_real: bool) -> None:
        self.predictor, self.photos, self.model, self.is_real = predictor, photos, model, is_real
        self.kinds = photo_kinds(predictor)

    def answer(self, request: gr.Request, *given: Any) -> Iterator[Shown]:
        """The two parts of the page, twice: without and with the explanation. A refusal stands where they would.

        Args:
            request: of the visitor.
            given: a photo's name for each of `kinds`, text, class to explain, and the values of all widgets.
        """
        names, (text, target, *values) = given[: len(self.kinds)], given[len(self.kinds) :]
        answer = ""
        try:
            check_text(text)
            fields = read_widgets(self.predictor.schema.fields, values)
            case = Case(self._photos(dict(zip(self.kinds, names, strict=True)), request), fields, text, target or None)
            for shown in answer_in_steps(self.predictor, case, model=self.model, is_real=self.is_real):
                answer = shown.answer
                yield shown
        except UserError as error:
            yield refused(answer, error.args[0])
        except Exception as error:  # whatever it says may hold what the patient said
            log.error("an answer failed: %s", type(error).__name__)
            yield refused(answer, w.BROKEN)

    def predict(
        self, photo: str | dict[str, str] | None, fields: dict[str, Any], text: str | None, request: gr.Request
    ) -> dict[str, Any]:
        """The answer of one case as plain values; for the API."""
        try:
            case = Case(self._photos(self._named(photo), request), fields or {}, text)
            prediction = ask(self.predictor, case).prediction
        except UserError as error:
            return {"error": str(error)}
        except Exception as error:
            log.error("an answer failed: %s", type(error).__name__)
            return {"error": w.BROKEN}
        return prediction.to_json()

    def _named(self, photo: str | dict[str, str] | None) -> dict[str, str]:
        """Names of photos by kind, as a program gives them."""
        if isinstance(photo, dict):
            for kind in photo:
                if kind not in self.kinds:
                    raise UserError(one_of("photo kind", kind, self.kinds))
            return photo
        if photo and len(self.kinds) > 1:
            raise UserError(w.WHICH_PHOTO.format(example=json.dumps(dict.fromkeys(self.kinds, "NAME.jpg"))))
        return {self.kinds[0]: photo} if photo else {}

    def _photos(self, names: Mapping[str, str | None], request: gr.Request) -> dict[str, Kept]:
        """The photos of a visitor by kind."""
        visitor = cookie_of(request.headers.get("cookie", ""))
        kept = {kind: self.photos.get(Path(name).name, visitor) for kind, name in names.items() if name}
        if None in kept.values():
            raise UserError(w.PHOTO_GONE)
        return {kind: photo for kind, photo in kept.items() if photo is not None}


def build_app(page: Page, folder: Path, model_card: str) -> gr.Blocks:
    """The page.

    Args:
        page: what it does.
        folder: under which gradio believes the photos to lie; see `Gate`.
        model_card: HTML of the second tab.
    """
    schema = page.predictor.schema
    with gr.Blocks(title=w.TITLE, analytics_enabled=False) as app:
        gr.HTML(_heading(page.is_real), apply_default_css=False)
        with gr.Tabs():
            with gr.Tab(w.ASK), gr.Row(equal_height=False):
                with gr.Column(min_width=300):
                    gr.Markdown(f"## {w.CASE}\n{w.CASE_HINT}")
                    examples = [] if page.is_real else _example_buttons(page)
                    with gr.Row():
                        photos = [_photo_field(kind, folder, only=len(page.kinds) == 1) for kind in page.kinds]
                    text = _text_field()
                    widgets = [widget for field in schema.fields for widget in make_widgets(field)]
                    with gr.Row():
                        clear = gr.Button(w.CLEAR, min_width=90)
                        button = gr.Button(w.ANSWER, variant="primary", elem_id="ask", min_width=90)
                with gr.Column(min_width=300):
                    answer = gr.HTML(
                        f'<div class="mm"><p class="quiet">{w.ANSWERING}</p></div>',
                        elem_id="answer",
                        apply_default_css=False,
                    )
                    titles = [(schema.class_titles.get(name, name), name) for name in schema.classes]
                    target = gr.Dropdown([(w.TARGET_TOP, ""), *titles], value="", label=w.TARGET, elem_id="target")
                    why = gr.HTML("", elem_id="why", apply_default_css=False)
            with gr.Tab(w.CARD):
                gr.HTML(model_card, apply_default_css=False)
        gr.Markdown(f"**{NOT_A_DIAGNOSIS}**")
        asking: dict[str, Any] = {
            "fn": page.answer,
            "inputs": [*photos, text, target, *widgets],
            "outputs": [answer, why],
            "api_visibility": "private",
            "concurrency_id": "model",
            "concurrency_limit": 1,
            "show_progress": "hidden",
        }
        button.click(**asking)
        target.input(**asking)
        for example, filled in examples:
            example.click(
                _constant(filled), None, [*photos, text, *widgets], api_visibility="private", show_progress="hidden"
            )
        empty = [*(None for _ in photos), "", *fill_widgets(schema.fields, {})]
        clear.click(lambda: empty, None, [*photos, text, *widgets], api_visibility="private", show_progress="hidden")
        gr.api(page.predict, api_name="predict", concurrency_id="model", concurrency_limit=1)
        app.load(None, None, None, js=ON_LOAD)
    return app.queue(max_size=WAITING, default_concurrency_limit=1)


def launch_options(photos: Photos, folder: Path, *, host: str, port: int | None) -> dict[str, Any]:
    """How the page is served: every limit, and nothing shared or kept."""
    gate = Middleware(Gate, photos=photos, folder=folder, rate=Rate())
    return {
        "server_name": host,
        "server_port": port,
        "share": False,
        "quiet": True,
        "run_history": False,  # gradio keeps every photo in the browser otherwise
        "enable_monitoring": False,
        "ssr_mode": False,
        "pwa": False,
        "mcp_server": False,
        "show_error": False,
        "max_file_size": "20mb",
        "footer_links": [],
        "app_kwargs": {"middleware": [gate], "openapi_url": None},
        "theme": theme(),
        "css_paths": [STYLE, HERE / "page.css", HERE / "answer.css", HERE / "gradio.css"],
    }


def theme() -> gr.themes.Default:
    """Fonts of the reader's own machine, and greys that can be read on either ground."""
    fonts = [*map(gr.themes.Font, ("Segoe UI", "Roboto", "Helvetica Neue", "DejaVu Sans", "sans-serif"))]
    chosen = gr.themes.Default(primary_hue="blue", font=fonts, font_mono=[gr.themes.Font("monospace")])
    grey, light_grey = "#56616b", "#a9b4be"
    return chosen.set(
        body_text_color_subdued=grey,
        body_text_color_subdued_dark=light_grey,
        input_placeholder_color=grey,
        input_placeholder_color_dark=light_grey,
        button_primary_background_fill="#1d4ed8",
        button_primary_background_fill_dark="#1d4ed8",
    )


def _text_field() -> gr.Textbox:
    off = gr.InputHTMLAttributes(autocomplete="off")  # a browser remembers what was typed otherwise
    return gr.Textbox(label=w.TEXT, lines=3, max_lines=8, placeholder=w.TEXT_PLACEHOLDER, html_attributes=off)


def _heading(is_real: bool) -> str:
    banner = "" if is_real else f'<p class="mm-banner">{w.DEMONSTRATION}</p><p>{w.DEMONSTRATION_WHY}</p>'
    return f'<div class="mm"><h1>{w.TITLE}</h1>{banner}<p class="quiet">{w.PRIVACY}</p></div>'


def _photo_field(kind: str, folder: Path, *, only: bool) -> gr.Image:
    """Gradio's own widget; what it takes for the path of a file is a name in `Photos`."""
    title = photo_title(kind)
    photo = gr.Image(
        type="filepath",
        sources=["upload", "webcam", "clipboard"],
        label=w.PHOTO.format(title=title.capitalize()),
        placeholder=w.PHOTO_PLACEHOLDER,
        alt_text=w.PHOTO_ALT.format(title=title),
        buttons=[],
        height=280,
        min_width=200,
        elem_id="photo" if only else f"photo-{kind}",
    )
    photo.example_payload = lambda: None  # of gradio's it is a picture on another machine
    photo.preprocess = lambda payload: payload and payload.path
    photo.postprocess = lambda name: name and ImageData(path=str(folder / name), orig_name="photo.jpg")
    return photo


def _example_buttons(page: Page) -> list[tuple[gr.Button, list[Any]]]:
    """Buttons, and what each fills the form with: photo, text, widgets."""
    schema = page.predictor.schema
    made = []
    with gr.Row(elem_classes="examples"):
        for example in draw_examples():
            name = page.photos.keep(example.photo, None)
            title = schema.class_titles.get(example.target, example.target)
            button = gr.Button(w.EXAMPLE.format(title=title), size="sm", min_width=120)
            made.append(
                (button, [name, example.history.text or "", *fill_widgets(schema.fields, example.history.fields)])
            )
    return made


def _constant(values: list[Any]) -> Callable[[], list[Any]]:
    return lambda: values


def main() -> int:
    parser = argparse.ArgumentParser(description="A page for one case. " + NOT_A_DIAGNOSIS)
    parser.add_argument("--model", type=Path, help="model directory, or the run directory that holds it")
    parser.add_argument("--port", type=int, default=7860)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; the default is this computer only")
    parser.add_argument("--language", default=ENGLISH, help=f"of the page: {', '.join(languages())}")
    arguments = parser.parse_args()
    try:
        w.speak(arguments.language)
        folder = arguments.model or default_run(cache_folder())
        predictor = Predictor.load(folder)
    except MmskinError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the empty folder is removed then too
    photos = Photos(max_side=predictor.trained.photo_side)
    is_real = predictor.schema.name != "synthetic"
    page = Page(predictor, photos, model=predictor.schema.name, is_real=is_real)
    with tempfile.TemporaryDirectory(prefix="mmskin-demo-") as private:  # mode 0700; it stays empty
        os.environ["GRADIO_TEMP_DIR"] = private
        app = build_app(page, Path(private), card(predictor, Path(folder)))
        print(w.RUNNING.format(host=arguments.host, port=arguments.port), flush=True)
        app.launch(**launch_options(photos, Path(private), host=arguments.host, port=arguments.port))
    return 0


if __name__ == "__main__":
    sys.exit(main())
