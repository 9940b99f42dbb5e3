"""`mmskin predict`: the differential of one case."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from mmskin.cli.options import Fields, Images, Model, RunArm, Text, read_photos


def predict(
    model: Model,
    image: Images = None,
    field: Fields = None,
    text: Text = None,
    heatmap: Annotated[Path | None, typer.Option(help="write a Grad-CAM overlay here (PNG)")] = None,
    target: Annotated[str | None, typer.Option(help="class of the heat map; the most likely one if not given")] = None,
    arm: RunArm = None,
    kind: Annotated[str | None, typer.Option(help="photo of the heat map; the first kind that is given if not")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """The differential of one case, with what it rests on. Any part may be left out."""
    from mmskin.api.predictor import Predictor, read_history
    from mmskin.inputs.photos import open_rgb
    from mmskin.reminder import NOT_A_DIAGNOSIS
    from mmskin.report.numbers import percent
    from mmskin.trained.note_reading import read_lines

    predictor = Predictor.load(model, arm=arm)
    fields = read_history(field or [])
    photos = read_photos(image or [], predictor.trained)
    answer = predictor.predict(image=photos, metadata=fields, text=text)
    said: tuple[str, ...] = ()
    if heatmap is not None:
        if not photos:
            raise typer.BadParameter("a heat map needs --image")
        first = {name: paths[0] for name, paths in photos.items()}
        chosen = kind or next((name for name in predictor.modalities if name in first), next(iter(first)))
        found = predictor.photo_map(first, fields, text, target=target, kind=chosen)
        found.over(open_rgb(first[chosen]).image).save(heatmap)
        said = found.notes
    if as_json:
        print(json.dumps(answer.to_json() | ({"heat_map": said} if said else {}), indent=2))
        return
    for name, probability in answer.probabilities.items():
        title = predictor.schema.class_titles.get(name, name)
        bar = "█" * round(30 * probability)
        print(f"{percent(probability, digits=1):>6}  {bar:30}  {name}  {title if title != name else ''}".rstrip())
    print(f"used: {', '.join(answer.used)}" + (f"; missing: {', '.join(answer.missing)}" if answer.missing else ""))
    if answer.read:
        print(f"read in the free text: {'; '.join(read_lines(predictor.schema, answer.read))}")
    for remark in answer.remarks:
        print(f"note: {remark}")
    for line in said:
        print(f"heat map: {line}")
    print(NOT_A_DIAGNOSIS)
