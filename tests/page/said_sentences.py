"""All that can reach the page, found in the code: what a language has to have words for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment, nodes

import mmskin
from mmskin.page import words

PACKAGE = Path(mmskin.__file__).parent
ELSEWHERE = ("audit", "benchmark", "cli")  # says nothing to a clinician


def library_sentences() -> set[str]:
    """The templates of every `Sentence` in the package."""
    found: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if path.relative_to(PACKAGE).parts[0] not in ELSEWHERE:
            found |= set(_of_calls(tree))
    return found


def _of_calls(tree: ast.Module) -> Iterator[str]:
    assigned: dict[str, list[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            for target in node.targets:
                assigned.setdefault(ast.unparse(target), []).append(node.value.value)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Sentence":
            first = node.args[0]
            if isinstance(first, ast.Constant):
                yield str(first.value)
            elif isinstance(first, ast.Name):
                yield from assigned.get(first.id, [])


def page_words() -> set[str]:
    """The strings of `mmskin.page.words`."""
    return {text for name in dir(words) if name.isupper() for text in _strings(getattr(words, name))}


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple | dict):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)


def template_sentences() -> set[str]:
    """What the templates themselves say, through `say`."""
    found: set[str] = set()
    for path in PACKAGE.rglob("*.jinja"):
        for call in Environment().parse(path.read_text(encoding="utf-8")).find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "say" and isinstance(call.args[0], nodes.Const):
                found.add(call.args[0].value)
    return found
