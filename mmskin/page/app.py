"""The clinician's page: photo and history in, an answer that can be questioned.

python demo/app.py [--model runs/my_run]        (or `mmskin demo`, in a source checkout)

Without --model it shows the model that comes with mmskin, which learned invented diseases.

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
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read by gradio when it is imported
import gradio as gr
from starlette.middleware import Middleware

from mmskin.api.predictor import Predictor
from mmskin.errors import MmskinError, UserError
from mmskin.explain.question_order import question_order
from mmskin.features import photo_title
from mmskin.language import ENGLISH, languages
from mmskin.page.answer import HERE
from mmskin.page.batch import MOST, columns
from mmskin.page.card import card
from mmskin.page.default_model import DEFAULT_RUN
from mmskin.page.examples import draw_examples
from mmskin.page.form import fill_widgets, make_form, script
from mmskin.page.gate import UPLOAD_BYTES, Gate, Rate
from mmskin.page.handlers import Page
from mmskin.page.kept_diagnoses import OTHER, KeptDiagnoses
from mmskin.page.photos import Photos
from mmskin.page.spoken import w
from mmskin.reminder import NOT_A_DIAGNOSIS
from mmskin.report.explanation_html import STYLE
from mmskin.report.pages import render
from mmskin.trained.prediction import VISIBLE

WAITING = 16
WHEN_READY = """async (...given) => {{
  while (!window.mmskin) await new Promise(done => setTimeout(done, 50));
  return window.mmskin.{then};
}}"""
"""Before a question goes out: the script of the page may come after its buttons."""

log = logging.getLogger("mmskin.demo")


def build_app(page: Page, model_card: str) -> gr.Blocks:
    """The page.

    Args:
        page: what it does.
        model_card: HTML of the second tab.
    """
    schema = page.predictor.schema
    classes = [(w.say(schema.class_titles.get(name, name)), name) for name in schema.classes]
    with gr.Blocks(title=w.TITLE, analytics_enabled=False) as app:
        gr.HTML(_heading(page.is_real), apply_default_css=False)
        with gr.Tabs():
            with gr.Tab(w.ASK), gr.Row(elem_id="work"):
                with gr.Column(elem_id="photos", min_width=0):
                    photos = [_photo_field(kind, only=len(page.kinds) == 1) for kind in page.kinds]
                    examples = [] if page.is_real else _example_buttons(page)
                with gr.Column(elem_id="questions", min_width=0):
                    history = make_form(schema.fields, page.order)
                    text = _text_field()
                with gr.Row(elem_id="bar"):
                    button = gr.Button(w.ANSWER, variant="primary", elem_id="ask", min_width=90)
                    clear = gr.Button(w.CLEAR, elem_id="clear", min_width=90)
                    gr.HTML('<p class="mm" role="status"></p>', elem_id="line", apply_default_css=False)
                with gr.Column(elem_id="result", min_width=0):
                    gr.HTML(_failure(), elem_id="failure", apply_default_css=False)
                    answer = gr.HTML(_hint(), elem_id="answer", apply_default_css=False)
                    kept = _diagnosis_field(classes) if page.diagnoses else None
                    target = gr.Dropdown([(w.TARGET_TOP, ""), *classes], value="", label=w.TARGET, elem_id="target")
                    why = gr.HTML("", elem_id="why", apply_default_css=False)
            with gr.Tab(w.BATCH):
                _batch(page)
            with gr.Tab(w.CARD):
                gr.HTML(model_card, apply_default_css=False)
        gr.HTML(
            f'<div class="mm"><p><strong>{w.say(NOT_A_DIAGNOSIS)}</strong></p><p class="quiet">{w.PRIVACY}</p></div>',
            elem_id="reminder",
            apply_default_css=False,
        )
        edition = gr.Number(0, visible=False)
        case = [*photos, history, text]
        asking: dict[str, Any] = {
            "fn": page.answer,
            "inputs": [*case, target, edition],
            "outputs": [answer, why],
            "api_visibility": "private",
            "concurrency_id": "model",
            "concurrency_limit": 1,
            "show_progress": "hidden",
            "trigger_mode": "multiple",  # a changed case may be asked while the one before is still being explained
        }
        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        asked = button.click(**asking, js=WHEN_READY.format(then="asking(given, true)"))
        explained = target.input(**asking, js=WHEN_READY.format(then="asking(given, false)"))
        if kept:
            keep, diagnosis, told = kept
            keep.click(
                page.keep_diagnosis,
                [*case, diagnosis, edition],
                told,
                js=WHEN_READY.format(then="keeping(given)"),
                concurrency_id="model",
                concurrency_limit=1,
                **quiet,
            )
        for example, filled in examples:
            example.click(_constant(filled), None, case, **quiet)
        empty = [*("" for _ in photos), fill_widgets(schema.fields, {}), "", "", _hint(), ""]
        clear.click(_constant(empty), None, [*case, target, answer, why], cancels=[asked, explained], **quiet)
        gr.api(page.predict, api_name="predict", concurrency_id="model", concurrency_limit=1)
        gr.api(page.read_table, api_name="read_table")
        gr.api(page.answer_row, api_name="answer_row", concurrency_id="model", concurrency_limit=1)
        said = {"old": w.OLD, "asking": w.ASKING, "answer": w.ANSWER_REGION, "why": w.WHY_REGION}
        said |= {"gone": w.GONE, "large": w.TOO_LARGE.format(limit=UPLOAD_BYTES >> 20), "limit": UPLOAD_BYTES}
        app.load(None, None, None, js=f"() => ({script('page')})({json.dumps(said)})")
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
    return gr.Textbox(
        label=w.TEXT, lines=2, max_lines=8, placeholder=w.TEXT_PLACEHOLDER, html_attributes=off, elem_id="text"
    )


def _heading(is_real: bool) -> str:
    banner = "" if is_real else f'<p class="mm-banner"><b>{w.DEMONSTRATION}.</b> {w.DEMONSTRATION_WHY}</p>'
    return f'<div class="mm"><h1>{w.TITLE}</h1>{banner}</div>'


def _hint() -> str:
    return f'<div class="mm"><p class="quiet">{w.ANSWERING}</p></div>'


def _failure() -> str:
    """Where the page says that a question never reached the model."""
    return '<div class="mm"><p class="problem" role="alert" hidden></p></div>'


def _photo_field(kind: str, *, only: bool) -> gr.HTML:
    """Its value is a name in `Photos`."""
    title = w.say(photo_title(kind))
    titled, alt = w.PHOTO.format(title=title.capitalize()), w.PHOTO_ALT.format(title=title)
    return gr.HTML(
        "",
        label=titled,
        html_template="${markup}",
        markup=render(HERE / "templates" / "photo.html.jinja", w=w, title=titled, alt=alt),
        words={"reading": w.PHOTO_READING},
        js_on_load=script("photo"),
        apply_default_css=False,
        elem_id="photo" if only else f"photo-{kind}",
    )


def _batch(page: Page) -> gr.HTML:
    """A table and a folder of photos in, a table out."""
    asked = columns(page.predictor.schema, page.kinds)
    words = {name.lower(): getattr(w, f"BATCH_{name}") for name in ("READING", "PROGRESS", "NO_PHOTO", "NOT_ANSWERED")}
    return gr.HTML(
        "",
        html_template="${markup}",
        markup=render(HERE / "templates" / "batch.html.jinja", w=w, columns=asked, most=MOST),
        words=words | {"gone": w.GONE},
        js_on_load=script("batch"),
        apply_default_css=False,
        elem_id="batch",
    )


def _diagnosis_field(classes: list[tuple[str, str]]) -> tuple[gr.Button, gr.Dropdown, gr.HTML]:
    """The button, the list, and where it is said that the diagnosis is kept; classes as titles and names."""
    with gr.Column(elem_id="diagnosis", min_width=0):
        gr.HTML(f'<p class="mm quiet">{w.DIAGNOSIS_HINT}</p>', apply_default_css=False)
        with gr.Row():
            diagnosis = gr.Dropdown(
                [("", ""), *classes, (w.DIAGNOSIS_OTHER, OTHER)], value="", label=w.DIAGNOSIS, elem_id="was"
            )
            keep = gr.Button(w.DIAGNOSIS_KEEP, elem_id="keep", min_width=90)
        kept = gr.HTML("", elem_id="kept", apply_default_css=False)
    return keep, diagnosis, kept


def _example_buttons(page: Page) -> list[tuple[gr.Button, list[Any]]]:
    """Buttons, and what each fills the form with: photo, fields, text."""
    schema = page.predictor.schema
    made = []
    with gr.Row(elem_classes="examples"):
        for example in draw_examples():
            name = page.photos.keep(example.photo, None)
            title = w.say(schema.class_titles.get(example.target, example.target))
            button = gr.Button(w.EXAMPLE.format(title=title), size="sm", min_width=120)
            filled = fill_widgets(schema.fields, example.history.fields)
            made.append((button, [name, filled, example.history.text or ""]))
    return made


def _constant(values: list[Any]) -> Callable[[], list[Any]]:
    return lambda: values


def main() -> int:
    parser = argparse.ArgumentParser(description="A page for one case. " + NOT_A_DIAGNOSIS)
    parser.add_argument("--model", type=Path, help="model directory, or the run directory that holds it")
    parser.add_argument("--port", type=int, default=7860)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; the default is this computer only")
    parser.add_argument("--language", default=ENGLISH, help=f"of the page: {', '.join(languages())}")
    parser.add_argument(
        "--allow-visible-missingness",
        action="store_true",
        help="use a model that was trained with missing fields visible; every answer then warns of it",
    )
    parser.add_argument(
        "--keep-diagnoses",
        type=Path,
        metavar="FILE",
        help="ask what the diagnosis was, and append it with the model's answer; nothing of the patient",
    )
    arguments = parser.parse_args()
    try:
        w.speak(arguments.language)
        folder = arguments.model or DEFAULT_RUN
        predictor = Predictor.load(folder)
        warnings = missingness_warnings(predictor, allowed=arguments.allow_visible_missingness)
        diagnoses = KeptDiagnoses(arguments.keep_diagnoses) if arguments.keep_diagnoses else None
    except MmskinError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the empty folder is removed then too
    photos = Photos(max_side=predictor.trained.photo_side)
    page = Page(
        predictor,
        photos,
        model=predictor.schema.name,
        is_real=predictor.schema.name != "synthetic",
        order=question_order(predictor.trained),
        warnings=warnings,
        diagnoses=diagnoses,
    )
    with tempfile.TemporaryDirectory(prefix="mmskin-demo-") as private:  # mode 0700; it stays empty
        os.environ["GRADIO_TEMP_DIR"] = private
        app = build_app(page, card(predictor, Path(folder)))
        print(w.RUNNING.format(host=arguments.host, port=arguments.port), flush=True)
        app.launch(**launch_options(photos, Path(private), host=arguments.host, port=arguments.port))
    return 0


def missingness_warnings(predictor: Predictor, *, allowed: bool) -> tuple[str, ...]:
    """What every answer warns of, for a model to which empty fields are a sign; () for all others.

    Raises:
        UserError: such a model, and it is not allowed.
    """
    if all(model.record.get("missingness") != "visible" for model in predictor.trained.models):
        return ()
    if not allowed:
        raise UserError(w.ALLOW_VISIBLE.format(why=VISIBLE))
    return (VISIBLE,)


if __name__ == "__main__":
    sys.exit(main())
