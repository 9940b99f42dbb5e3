"""What a saved model is, from its own files: as plain values, and as text. `mmskin describe MODEL`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any

from mmskin.data.patient_digests import joined_digests
from mmskin.features import is_photo
from mmskin.reminder import NOT_A_DIAGNOSIS
from mmskin.report.numbers import number
from mmskin.schema import Field, Schema
from mmskin.trained.ensemble import Trained
from mmskin.trained.licences import licence_lines, licences_of
from mmskin.trained.prediction import VISIBLE

WIDTH = 100
NOT_RECORDED = "not recorded in the model's files"
MEANINGS = {
    "visible": VISIBLE,
    "always_recorded": "only fields that (almost) every training case has; a gap tells almost nothing",
    "equalized": "in training gaps were made equally frequent in every class",
}
"""What a mode of missingness means for whoever reads an answer."""

Facts = dict[str, Any]


def model_facts(trained: Trained) -> Facts:
    """All that its files say, in plain values; None and empty lists for what they do not say."""
    schema, models = trained.schema, trained.models
    records = [model.record for model in models]
    first = records[0]
    return {
        "fusion": first.get("fusion"),
        "experts": first.get("experts"),
        "loss": first.get("loss"),
        "modalities": list(trained.modalities),
        "encoders": dict(first.get("encoders", {})),
        "models": len(models),
        "classes": _classes(schema, records),
        "fields": [_field(field) for field in schema.fields],
        "fields_excluded": {name: why for record in records for name, why in record.get("fields_excluded", {}).items()},
        "missingness": first.get("missingness"),
        "photos": [modality for modality in trained.modalities if is_photo(modality)],
        "photo_side": trained.photo_side,
        "views": models[0].views,
        "data_set": schema.name,
        "training_cases": sorted({sum(record["class_counts"]) for record in records if "class_counts" in record}),
        "training_patients": _patients(records),
        "patient_unit": schema.patient_unit,
        "temperature": trained.temperature,
        "licences": licences_of(trained),
        "citation": schema.citation,
        "folds": _distinct(record.get("fold") for record in records),
        "seeds": _distinct(record.get("experiment", {}).get("seed") for record in records),
        "mmskin": first.get("mmskin"),
        "remarks": list(trained.remarks),
        "reminder": NOT_A_DIAGNOSIS,
    }


def describe_model(facts: Mapping[str, Any]) -> str:
    """The facts as text, at most 100 characters a line."""
    together = f", {facts['models']} models together" if facts["models"] > 1 else ""
    fusion = NOT_RECORDED if facts["fusion"] is None else _slot(facts["fusion"])
    blocks = [
        _lines(f"{fusion} of {', '.join(facts['modalities'])}{together}", _parts(facts)),
        _lines("Classes", [_class(one) for one in facts["classes"]]),
        _lines("Fields", [_field_line(field) for field in facts["fields"]] or ["none"]),
        *([_lines("Excluded fields", _pairs(facts["fields_excluded"]))] if facts["fields_excluded"] else []),
        _lines("Training", _training(facts)),
        _lines("Licences of what it learned from", licence_lines(facts["licences"])),
        *([_lines("Remarks", facts["remarks"])] if facts["remarks"] else []),
        facts["reminder"],
    ]
    return "\n\n".join(blocks)


def _parts(facts: Mapping[str, Any]) -> list[str]:
    photos = f"{', '.join(facts['photos'])}, shrunk to {facts['photo_side']} pixels on the longer side"
    views = f", the mean of {facts['views']} views" if facts["views"] > 1 else ""
    return [
        *(f"encoder of {modality}: {_slot(slot)}" for modality, slot in facts["encoders"].items()),
        *([f"experts beside the fusion: {_options(facts['experts'])}"] if facts["experts"] is not None else []),
        *([f"loss: {_slot(facts['loss'])}"] if facts["loss"] else []),
        f"photos: {photos + views if facts['photos'] else 'none are read'}",
        f"temperature of the calibration: {number(facts['temperature'])}",
    ]


def _training(facts: Mapping[str, Any]) -> list[str]:
    cases, mode = facts["training_cases"], facts["missingness"]
    counted = " to ".join(f"{n:,}" for n in dict.fromkeys([cases[0], cases[-1]])) if cases else NOT_RECORDED
    each = " each" if facts["models"] > 1 and cases else ""
    people = {"patient": "patients", "lesion": "lesions (patients are not known)"}.get(facts["patient_unit"], "groups")
    patients = [f"{n:,} of {name}" for name, n in facts["training_patients"].items()]
    return [
        f"data set: {facts['data_set']}",
        f"cases: {counted}{each}",
        f"{people}: {', '.join(patients) or NOT_RECORDED}",
        f"missing fields: {NOT_RECORDED if mode is None else f'{mode}: {MEANINGS.get(mode, mode)}'}",
        f"folds held out as test: {_told(facts['folds'])}",
        f"seeds: {_told(facts['seeds'])}",
        f"made with mmskin: {facts['mmskin'] or NOT_RECORDED}",
        *([f"citation of the data: {facts['citation']}"] if facts["citation"] else []),
    ]


def _classes(schema: Schema, records: Sequence[Mapping[str, Any]]) -> list[Facts]:
    """With the training cases of each, where all models had as many."""
    counts = _distinct(tuple(record["class_counts"]) for record in records if "class_counts" in record)
    of_class = counts[0] if len(counts) == 1 else [None] * len(schema.classes)
    return [
        {
            "name": name,
            "title": schema.class_titles.get(name, name),
            "groups": [group for group, members in schema.class_groups.items() if name in members],
            "training_cases": count,
        }
        for name, count in zip(schema.classes, of_class, strict=True)
    ]


def _field(field: Field) -> Facts:
    return {
        "name": field.name,
        "title": field.title,
        "kind": field.kind,
        "unit": field.unit,
        "choices": list(field.choices),
        "low": field.low,
        "high": field.high,
    }


def _patients(records: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """By population, how many different ones all models together have learned from."""
    seen = joined_digests([record.get("trained_on", {}) for record in records])
    return {population: len(digests) for population, digests in seen.items()}


def _distinct(values: Any) -> list[Any]:
    return list(dict.fromkeys(value for value in values if value is not None))


def _class(one: Mapping[str, Any]) -> str:
    title = f": {one['title']}" if one["title"] != one["name"] else ""
    groups = f" ({', '.join(one['groups'])})" if one["groups"] else ""
    count = f", {one['training_cases']:,} in training" if one["training_cases"] is not None else ""
    return f"{one['name']}{title}{groups}{count}"


def _field_line(field: Mapping[str, Any]) -> str:
    title = f" ({field['title']})" if field["title"].lower().replace(" ", "_") != field["name"].lower() else ""
    unit = f", {field['unit']}" if field["unit"] else ""
    choices = f": {', '.join(field['choices'])}" if field["choices"] else ""
    return f"{field['name']}{title}: {field['kind']}{unit}{choices}{_range(field)}"


def _range(field: Mapping[str, Any]) -> str:
    low, high = field["low"], field["high"]
    days = " days" if field["kind"] == "duration" else ""
    if low is None and high is None:
        return ""
    if low is None or high is None:
        return f", {high:g}{days} or less" if low is None else f", {low:g}{days} or more"
    return f", {low:g} to {high:g}{days}"


def _slot(slot: Mapping[str, Any]) -> str:
    options = {key: value for key, value in slot.items() if key != "name"}
    return str(slot["name"]) + (f" ({_options(options)})" if options else "")


def _options(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in options.items()) or "defaults"


def _pairs(reasons: Mapping[str, str]) -> list[str]:
    return [f"{name}: {reason}" for name, reason in reasons.items()]


def _told(values: Sequence[Any]) -> str:
    return ", ".join(map(str, values)) or NOT_RECORDED


def _lines(title: str, lines: Sequence[str]) -> str:
    indented = [
        fill(line, WIDTH, initial_indent="  ", subsequent_indent="      ", break_on_hyphens=False) for line in lines
    ]
    return "\n".join([fill(title, WIDTH), *indented])
