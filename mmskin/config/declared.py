"""What a part declares, read from its source: options with their types, plain class attributes, the docstring.

A part of mmskin's own is parsed, not imported, so that a config can be checked before torch is there. A part that was
added at run time, or that another package offers, is imported already when it is asked: it is inspected.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from mmskin.config.annotations import Annotation
from mmskin.config.parts import Parts, Place


class Option(NamedTuple):
    """A keyword-only argument of a constructor.

    annotation: None where there is none.
    default: as it is written; None for an option that must be given.
    """

    annotation: Annotation | None
    default: str | None


class Declared(NamedTuple):
    """What is known of a part without calling it.

    options: by name.
    values: class attributes that are plain values, those of base classes among them.
    doc: the docstring, "" where there is none.
    fixed: the leading arguments that its table gives.
    """

    options: Mapping[str, Option]
    values: Mapping[str, Any]
    doc: str
    fixed: tuple[str, ...] = ()


def declared(table: Mapping[str, Callable[..., Any]], name: str) -> Declared:
    """What the part of that name in a table declares."""
    place = table.places.get(name) if isinstance(table, Parts) else None
    return _inspected(table[name]) if place is None else _parsed(place)


class _Found(NamedTuple):
    """A definition and the module that holds it."""

    module: str
    node: ast.stmt


@lru_cache
def _parsed(place: Place) -> Declared:
    found = _find(place.module, place.name)
    assert found is not None, f"{place.where} does not exist"
    if isinstance(found.node, ast.FunctionDef):
        return Declared(_options(found.module, found.node), {}, ast.get_docstring(found.node) or "", place.fixed)
    classes = list(_with_bases(found))
    values: dict[str, Any] = {}
    for _, node in reversed(classes):
        values |= _plain_values(node)
    options: Mapping[str, Option] = {}
    for module, node in classes:
        constructor = [part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "__init__"]
        if constructor:
            options = _options(module, constructor[0])
            break
    return Declared(options, values, ast.get_docstring(classes[0][1]) or "", place.fixed)


def _inspected(constructor: Callable[..., Any]) -> Declared:
    fixed = constructor.args if isinstance(constructor, partial) else ()
    target = constructor.func if isinstance(constructor, partial) else constructor
    options = {
        p.name: Option(
            None if p.annotation is p.empty else Annotation.of(p.annotation, _module_of(target)),
            None if p.default is p.empty else repr(p.default),
        )
        for p in inspect.signature(constructor).parameters.values()
        if p.kind is p.KEYWORD_ONLY
    }
    values = {key: getattr(target, key) for key in dir(target) if not key.startswith("_")}
    return Declared(options, values, inspect.getdoc(target) or "", fixed)


def _module_of(target: Callable[..., Any]) -> str:
    return getattr(target, "__module__", "")


def _options(module: str, function: ast.FunctionDef) -> dict[str, Option]:
    pairs = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    return {
        argument.arg: Option(
            None if argument.annotation is None else Annotation(argument.annotation, partial(_alias, module)),
            None if default is None else _written(module, default),
        )
        for argument, default in pairs
    }


def _written(module: str, default: ast.expr) -> str:
    """A default as it is written; a constant of the module by its value."""
    value = _alias(module, default.id) if isinstance(default, ast.Name) else None
    return ast.unparse(default if value is None else value[0])


def _with_bases(found: _Found) -> Iterator[tuple[str, ast.ClassDef]]:
    """A class and those it is made of, nearest first, as far as they are mmskin's own."""
    assert isinstance(found.node, ast.ClassDef)
    yield found.module, found.node
    for base in found.node.bases:
        inherited = _find(found.module, base.id) if isinstance(base, ast.Name) else None
        if inherited is not None and isinstance(inherited.node, ast.ClassDef):
            yield from _with_bases(inherited)


def _plain_values(node: ast.ClassDef) -> dict[str, Any]:
    values = {}
    for part in node.body:
        target = (
            part.targets[0]
            if isinstance(part, ast.Assign)
            else part.target
            if isinstance(part, ast.AnnAssign)
            else None
        )
        if isinstance(target, ast.Name) and isinstance(part, ast.Assign | ast.AnnAssign) and part.value is not None:
            try:
                values[target.id] = ast.literal_eval(part.value)
            except ValueError:
                continue
    return values


def _alias(module: str, name: str) -> tuple[ast.expr, Callable[[str], Any]] | None:
    """The value that a name has in a module, with the way to look further names up beside it."""
    found = _find(module, name)
    if found is None or not isinstance(found.node, ast.Assign | ast.AnnAssign) or found.node.value is None:
        return None
    return found.node.value, partial(_alias, found.module)


def _find(module: str, name: str) -> _Found | None:
    """Where a name of a module is defined, followed through its imports as far as they are mmskin's own."""
    for node in _tree(module).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            return _Found(module, node)
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            return _Found(module, node)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mmskin."):
            for alias in node.names:
                if name == (alias.asname or alias.name):
                    return _find(str(node.module), alias.name)
    return None


@lru_cache
def _tree(module: str) -> ast.Module:
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
