"""What is known of a model from its own files; what is not known is said to be not known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmskin.api.predictor import Predictor
from mmskin.errors import first_of
from mmskin.evaluation.metrics import METRICS
from mmskin.page.answer import HERE
from mmskin.page.spoken import w
from mmskin.reminder import NOT_A_DIAGNOSIS
from mmskin.report.numbers import number, with_interval
from mmskin.report.pages import render
from mmskin.schema import PatientUnit, counted_patients
from mmskin.trained.licences import licence_lines, licences_of

SHOWN = ("balanced_accuracy", "accuracy", "macro_auroc", "ece", "log_loss")
RUN_DEPTH = 6  # a model lies at <run>/cells/<arm>/fold_<k>/seed_<s>/model


def card(predictor: Predictor, folder: Path) -> str:
    """The model card as HTML.

    Args:
        predictor: of the model.
        folder: where it was loaded from: the model's folder or its run's, whose results.json is read.
    """
    arm = predictor.trained.record.get("experiment", {}).get("name")
    return render(
        HERE / "templates" / "card.html.jinja",
        w=w,
        parts=[(w.CARD_MODEL, _model(predictor)), (w.CARD_DATA, _data(predictor))],
        results=_results(folder, unit=predictor.schema.patient_unit, arm=arm),
        limits=w.LIMITS,
        warning=NOT_A_DIAGNOSIS,
    )


def _model(predictor: Predictor) -> list[tuple[str, str]]:
    config, experiment = predictor.trained.record, predictor.trained.record.get("experiment", {})
    return [
        ("Reads", ", ".join(w.modality(name) for name in predictor.modalities)),
        *((f"Encoder of {name}", _slot(slot)) for name, slot in config["encoders"].items()),
        ("Fusion", _slot(config["fusion"])),
        ("Loss", _slot(config["loss"])),
        *([("Models that answer together", str(len(models)))] if len(models := predictor.trained.models) > 1 else []),
        ("Photos are read at", f"{predictor.trained.photo_side} pixels"),
        ("Epochs", _told(experiment.get("training", {}).get("epochs"))),
        ("Seed", _told(experiment.get("seed"))),
        ("Temperature of the calibration", number(predictor.trained.temperature)),
        ("Made with mmskin", _told(config.get("mmskin"))),
    ]


def _data(predictor: Predictor) -> list[tuple[str, str]]:
    config, schema = predictor.trained.record, predictor.schema
    data = config.get("experiment", {}).get("data", {})
    counts = zip(schema.classes, config["class_counts"], strict=True)
    counted = [f"{schema.class_titles.get(name, name)} {count:,}" for name, count in counts]
    groups = [f"{name}: {', '.join(members)}" for name, members in schema.class_groups.items()]
    return [
        ("Data set", schema.name),
        ("Training cases by class", first_of(counted, len(counted))),
        ("Groups of classes", "; ".join(groups) or w.NOTHING),
        ("Folds", _told(data.get("folds"))),
        ("Fold held out as test", _told(config.get("fold"))),
        ("Missing fields", w.MISSINGNESS.get(str(config.get("missingness")), w.NOT_KNOWN)),
        ("Fields", ", ".join(field.title for field in schema.fields) or w.NOTHING),
        *((f"Excluded: {name}", reason) for name, reason in config.get("fields_excluded", {}).items()),
        ("Never an input", ", ".join(schema.outcomes) or w.NOTHING),
        ("Licences of what it learned from", "; ".join(licence_lines(licences_of(predictor.trained)))),
        ("Citation", schema.citation or w.NOT_KNOWN),
    ]


def _results(folder: Path, *, unit: PatientUnit, arm: str | None) -> list[tuple[str, str]]:
    """Metrics of the model's own arm with their intervals; [] where there is no results.json that has it."""
    places = [folder, *folder.absolute().parents][:RUN_DEPTH]
    path = next((place / "results.json" for place in places if (place / "results.json").is_file()), None)
    if path is None:
        return []
    try:
        rows = [row for row in json.loads(path.read_text(encoding="utf-8"))["metrics"] if _is_headline(row, arm)]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []
    if not rows:
        return []
    scores = [(METRICS[row["metric"]].title, with_interval({**row, "low": _number(row["low"])})) for row in rows]
    tested = f"{rows[0]['n']:,} cases of {counted_patients(rows[0]['patients'], unit)}"
    return [*scores, ("Tested on", tested)]


def _is_headline(row: Mapping[str, Any], arm: str | None) -> bool:
    return (
        row["arm"] == arm
        and row["subset"] == "all"
        and row["class"] == ""
        and row["metric"] in SHOWN
        and row["estimate"] is not None
    )


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _slot(slot: Mapping[str, Any]) -> str:
    options = [f"{key} {value}" for key, value in slot.items() if key not in ("name", "weights")]
    return str(slot["name"]) + (f" ({', '.join(options)})" if options else "")


def _told(value: object, wording: str = "{}") -> str:
    return w.NOT_KNOWN if value is None else wording.format(value)
