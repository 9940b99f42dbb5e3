"""Whether a value of a config is of the type that a constructor asks for, as far as the annotation says it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Self

LookUp = Callable[[str], Any]  # a name → (its expression, the way to look further), or None
WORDS = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "text", "None": "null"}


class Annotation(NamedTuple):
    """A type as it is written, and where its names can be looked up."""

    written: ast.expr
    look_up: LookUp

    @classmethod
    def of(cls, annotation: object, module: str) -> Self:
        """From what `inspect` gives: a type, or its text where annotations are not evaluated."""
        text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
        names = vars(sys.modules[module]) if module in sys.modules else {}

        def look_up(name: str) -> Any:
            if name not in names:
                return None
            try:
                return ast.parse(str(names[name]), mode="eval").body, look_up
            except SyntaxError:
                return None

        if not isinstance(annotation, str) and getattr(annotation, "__args__", None):
            text = str(annotation)
        return cls(ast.parse(text, mode="eval").body, look_up)

    def fits(self, value: object) -> bool:
        """Whether a value is of the type; True where that cannot be said."""
        node, inner = self.written, self._with
        match node:
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return inner(left).fits(value) or inner(right).fits(value)
            case ast.Constant(value=None):
                return value is None
            case ast.Subscript(value=generic, slice=parts):
                return self._fits_generic(_name(generic), parts, value)
        name = _name(node)
        if name in WORDS:
            return _is_a(name, value)
        return self._resolved is None or self._resolved.fits(value)

    def words(self) -> str:
        """The type for a message."""
        match self.written:
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return f"{self._with(left).words()} or {self._with(right).words()}"
            case ast.Constant(value=None):
                return "null"
            case ast.Subscript(value=generic, slice=parts) if _name(generic) == "Literal":
                return " or ".join(repr(choice) for choice in _choices(parts))
            case ast.Subscript(value=generic) if _name(generic) in ("Sequence", "list", "tuple"):
                return "a list"
            case ast.Subscript(value=generic) if _name(generic) in ("Mapping", "dict"):
                return "names with values"
        resolved = self._resolved
        return WORDS.get(_name(self.written)) or (resolved.words() if resolved else ast.unparse(self.written))

    @property
    def _resolved(self) -> Annotation | None:
        found = self.look_up(_name(self.written))
        return None if found is None else Annotation(*found)

    def _with(self, node: ast.expr) -> Annotation:
        return Annotation(node, self.look_up)

    def _fits_generic(self, name: str, parts: ast.expr, value: object) -> bool:
        if name == "Literal":
            return any(type(choice) is type(value) and choice == value for choice in _choices(parts))
        if name in ("Sequence", "list"):
            is_list = isinstance(value, Sequence) and not isinstance(value, str)
            return is_list and all(self._with(parts).fits(item) for item in value)  # type: ignore[attr-defined]
        if name in ("Mapping", "dict"):
            return isinstance(value, Mapping)
        return True


def _is_a(name: str, value: object) -> bool:
    if isinstance(value, bool):  # which Python counts as a whole number
        return name == "bool"
    kinds: dict[str, Any] = {"int": int, "float": int | float, "bool": bool, "str": str, "None": type(None)}
    return isinstance(value, kinds[name])


def _choices(parts: ast.expr) -> list[Any]:
    return [ast.literal_eval(part) for part in (parts.elts if isinstance(parts, ast.Tuple) else [parts])]


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
