"""`mmskin predict`: the differential of one case."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from mmskin.cli.options import Fields, Images, MapMethod, Model, RunArm, SetLevel, Text, read_photos


def predict(
    model: Model,
    image: Images = None,
    field: Fields = None,
    text: Text = None,
    heatmap: Annotated[Path | None, typer.Option(help="write a Grad-CAM overlay here (PNG)")] = None,
    target: Annotated[str | None, typer.Option(help="class of the heat map; the most likely one if not given")] = None,
    arm: RunArm = None,
    map_method: MapMethod = "grad_cam",
    kind: Annotated[str | None, typer.Option(help="photo of the heat map; the first kind that is given if not")] = None,
    level: SetLevel = 0.9,
    prior: Annotated[
        str | None, typer.Option(help='JSON file of class shares at your place, such as {"MEL": 0.04, …}')
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """The differential of one case, with what it rests on. Any part may be left out."""
    from mmskin.api.predictor import Predictor, read_history
    from mmskin.inputs.photos import open_rgb
    from mmskin.probability_text import in_percent
    from mmskin.reminder import NOT_A_DIAGNOSIS
    from mmskin.trained.note_reading import read_lines
    from mmskin.trained.prediction import set_sentence
    from mmskin.trained.stated_prior import read_shares

    predictor = Predictor.load(model, arm=arm)
    fields = read_history(field or [])
    photos = read_photos(image or [], predictor.trained)
    shares = None if prior is None else read_shares(prior)
    answer = predictor.predict(image=photos, metadata=fields, text=text, level=level, prior=shares)
    said: tuple[str, ...] = ()
    if heatmap is not None:
        if not photos:
            raise typer.BadParameter("a heat map needs --image")
        first = {name: paths[0] for name, paths in photos.items()}
        chosen = kind or next((name for name in predictor.modalities if name in first), next(iter(first)))
        found = predictor.photo_map(first, fields, text, target=target, method=map_method, kind=chosen)
        found.over(open_rgb(first[chosen]).image).save(heatmap)
        said = found.notes
    if as_json:
        print(json.dumps(answer.to_json() | ({"heat_map": said} if said else {}), indent=2))
        return
    if answer.unlike_training:
        print(f"Not like the training photos: {'; '.join(answer.unlike_training)}")
    if answer.triage is not None:
        print(answer.triage.title + "".join(f"\n  - {reason}" for reason in answer.triage.reasons))
    for name, probability in answer.probabilities.items():
        title = predictor.schema.class_titles.get(name, name)
        bar = "█" * round(30 * probability)
        print(f"{in_percent(probability):>6}  {bar:30}  {name}  {title if title != name else ''}".rstrip())
    if answer.answer_set is not None:
        print(set_sentence(answer.answer_set))
    print(f"used: {', '.join(answer.used)}" + (f"; missing: {', '.join(answer.missing)}" if answer.missing else ""))
    if answer.read:
        print(f"read in the free text: {'; '.join(read_lines(predictor.schema, answer.read))}")
    for remark in answer.remarks:
        print(f"note: {remark}")
    for line in said:
        print(f"heat map: {line}")
    print(f"model: {answer.model.checksum}, mmskin {answer.model.mmskin}")
    print(NOT_A_DIAGNOSIS)
