from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import mmskin

PACKAGE = Path(mmskin.__file__).parent

# From the ground up: a file may import from lower lines and from its own folder, never from its neighbours on a line.
LAYERS = (
    ("sentence",),
    ("errors", "json_values", "reminder", "plain_numbers", "note_words", "probability_text"),
    ("quantities", "red_flags", "language", "languages"),
    ("schema", "features", "output_lock"),
    ("config",),
    ("synthetic",),
    ("data",),
    ("inputs", "encoders", "fusion", "losses", "evaluation"),
    ("model",),
    ("trained", "teaching"),
    ("training", "explain"),
    ("report",),
    ("audit",),
    ("benchmark",),
    ("api",),
    ("external",),
    ("page",),
    ("cli",),
)
# Where a library may be imported; nowhere else.
HOMES = {
    "lightning": ("training",),
    "timm": ("encoders",),
    "open_clip": ("encoders",),
    "transformers": ("encoders",),
    "imagehash": ("audit",),
    "ray": ("benchmark",),
    "captum": ("explain",),
    "gradio": ("page",),
}
WITHOUT_TORCH = (
    "errors",
    "json_values",
    "reminder",
    "plain_numbers",
    "quantities",
    "schema",
    "features",
    "config",
    "evaluation",
    "synthetic",
)

LEVEL = {part: level for level, layer in enumerate(LAYERS) for part in layer}


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def module_of(path: Path) -> str:
    relative = path.relative_to(PACKAGE.parent).with_suffix("")
    return ".".join(part for part in relative.parts if part != "__init__")


def imports() -> Iterator[tuple[Path, str]]:
    """(file, imported module) of every import statement, those inside functions and for type checkers too."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if path == PACKAGE / "__init__.py":  # the lazy door
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert not node.level, f"{path} imports relatively: write it out"
                names = [f"{node.module}.{alias.name}" for alias in node.names]
                yield from ((path, name) for name in names)
            elif isinstance(node, ast.Import):
                yield from ((path, alias.name) for alias in node.names)


def test_every_part_of_the_package_has_its_place_in_the_table() -> None:
    parts = {part_of(path) for path in PACKAGE.rglob("*.py")} - {"__init__"}
    assert parts <= set(LEVEL), "give the new part a line in LAYERS"


def test_imports_point_one_way() -> None:
    wrong = []
    for path, name in imports():
        importing, imported = part_of(path), name.split(".")[1] if name.startswith("mmskin.") else ""
        if imported and imported != importing and LEVEL.get(imported, -1) >= LEVEL[importing]:
            wrong.append(f"{path.relative_to(PACKAGE)} imports {name}")
    assert not wrong


def test_no_file_imports_itself_through_others() -> None:
    files = {module_of(path) for path in PACKAGE.rglob("*.py")}
    arrows: dict[str, set[str]] = {name: set() for name in files}
    for path, name in imports():
        imported = name if name in files else name.rpartition(".")[0]
        if imported in files and imported != module_of(path):
            arrows[module_of(path)].add(imported)
    while leaves := {name for name, to in arrows.items() if not to & arrows.keys()}:
        arrows = {name: to for name, to in arrows.items() if name not in leaves}
    assert not arrows, f"these files stand in a circle, or above one: {sorted(arrows)}"


def test_libraries_stay_where_they_are_wrapped() -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path, name in imports()
        if (library := name.split(".")[0]) in HOMES and part_of(path) not in HOMES[library]
    ]
    assert not wrong


def test_data_evaluation_and_config_do_without_torch() -> None:
    files = [path for path in sorted(PACKAGE.rglob("*.py")) if part_of(path) in WITHOUT_TORCH]
    modules = ["mmskin", *map(module_of, files)]
    code = f"import sys\nfor name in {modules}:\n    __import__(name)\n    assert 'torch' not in sys.modules, name"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_package_names_what_a_user_imports_first() -> None:
    assert mmskin.History.__module__ == "mmskin.schema"
    assert mmskin.Predictor.__module__ == "mmskin.api.predictor"
    assert mmskin.Explainer.__module__ == "mmskin.api.explained"
