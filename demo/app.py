"""A form for one case: photo, fields, free text → a differential, a heat map, and what both rest on.

python demo/app.py --model runs/my_run

It runs on this computer only, unless --host says otherwise; anyone who can reach the port can use it, and can fetch a
photo whose address they know. Photos lie in a private folder that goes with the program, each for about ten minutes.
"""

from __future__ import annotations

import argparse
import html
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read by gradio when it is imported
import gradio as gr

from mmskin.errors import MmskinError, UserError
from mmskin.predictor import NOT_A_DIAGNOSIS, Predictor
from mmskin.schema import YES_NO, Field

DAYS = {"days": 1.0, "weeks": 7.0, "months": 365.25 / 12, "years": 365.25}
MINUTE = 60


def make_widgets(field: Field) -> list[Any]:
    """The widgets of one field: a number (with its unit, for a duration) or a choice that starts at "not recorded"."""
    if field.is_number:
        is_duration = field.kind == "duration"
        unit = "" if is_duration or not field.unit else f" ({field.unit})"
        limits = {} if is_duration else {"minimum": field.low, "maximum": field.high}
        number = gr.Number(label=field.title + unit, value=None, placeholder="not recorded", **limits)
        return (
            [number, gr.Dropdown(list(DAYS), value="months", label=f"{field.title}, in")] if is_duration else [number]
        )
    values = YES_NO if field.kind == "yes_no" else (*field.choices, "unknown")
    choices = [("not recorded", ""), *((value, value) for value in values)]
    return [gr.Dropdown(choices, value="", label=field.title)]


def read_widgets(fields: Sequence[Field], values: Sequence[Any]) -> dict[str, Any]:
    """Field values by name, as `Schema.parse_history` takes them, from the values of all widgets in order."""
    rest = iter(values)
    metadata: dict[str, Any] = {}
    for field in fields:
        value = next(rest)
        if field.kind == "duration":
            days = DAYS[next(rest)]
            value = None if value is None else value * days
        metadata[field.name] = value
    return metadata


def build_app(predictor: Predictor) -> gr.Blocks:
    """The page; every answer comes from the predictor."""
    schema = predictor.schema

    def answer(photo: str | None, text: str | None, *values: Any) -> tuple[dict[str, float], Any, str, str]:
        try:
            metadata = read_widgets(schema.fields, values)
            prediction = predictor.predict(photo, metadata, text)
            heatmap = predictor.heatmap(photo, metadata, text) if photo and "image" in prediction.used else None
        except UserError as error:  # the message is shown as HTML, and the case must not reach the log
            message = str(error).replace(f"{Path(photo).parent}{os.sep}", "") if photo else str(error)
            raise gr.Error(html.escape(message), print_exception=False) from None
        titles = {name: f"{schema.class_titles.get(name, name)} ({name})" for name in prediction.probabilities}
        bars = {titles[name]: probability for name, probability in prediction.probabilities.items()}
        listed = [f"used: {', '.join(prediction.used)}", f"missing: {', '.join(prediction.missing) or 'nothing'}"]
        return bars, heatmap, "\n".join([*listed, *prediction.remarks]), prediction.note

    with gr.Blocks(title="mmskin", analytics_enabled=False, delete_cache=(MINUTE, 10 * MINUTE)) as app:
        gr.Markdown(f"# mmskin\n**{NOT_A_DIAGNOSIS}**")
        with gr.Row():
            with gr.Column():
                photo = gr.Image(type="filepath", image_mode=None, sources=["upload", "clipboard"], label="Photo")
                # The file as it was uploaded: mmskin reads it, checks it and says what is wrong with it, not gradio.
                photo.preprocess = lambda payload: payload and payload.path
                text = gr.Textbox(label="What the patient says", lines=3, max_length=5000)
                widgets = [widget for field in schema.fields for widget in make_widgets(field)]
                button = gr.Button("Answer", variant="primary")
            with gr.Column():
                outputs = [
                    gr.Label(label="Differential, calibrated"),
                    gr.Image(label="What in the photo speaks for the first class", interactive=False, buttons=[]),
                    gr.Textbox(label="What this rests on", lines=4, interactive=False),
                    gr.Textbox(label="The note that the model read", interactive=False),
                ]
                gr.Markdown(NOT_A_DIAGNOSIS)
        button.click(answer, [photo, text, *widgets], outputs, api_name="predict", concurrency_limit=1)
    return app.queue(max_size=16, default_concurrency_limit=1)


def main() -> int:
    parser = argparse.ArgumentParser(description="A form for one case. " + NOT_A_DIAGNOSIS)
    parser.add_argument("--model", required=True, help="model directory, or the run directory that holds it")
    parser.add_argument("--port", type=int, default=7860)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; the default is this computer only")
    arguments = parser.parse_args()
    try:
        predictor = Predictor.load(arguments.model)
    except MmskinError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the photos are removed then too
    with tempfile.TemporaryDirectory(prefix="mmskin-demo-") as uploads:  # mode 0700
        os.environ["GRADIO_TEMP_DIR"] = uploads
        build_app(predictor).launch(
            server_name=arguments.host,
            server_port=arguments.port,
            share=False,
            run_history=False,  # gradio keeps every photo in the browser otherwise
            max_file_size="20mb",
            ssr_mode=False,
            footer_links=[],
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
