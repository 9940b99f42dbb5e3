"""Pages that mmskin writes: tables, sections, and one template below them all."""

from __future__ import annotations

import json
import platform
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from mmskin.report.pictures import Picture

HERE = Path(__file__).parent
SORT = HERE / "sort_tables.js"
PAPER = 120  # letters that stand beside each other on A4 in the size of printed tables
PACKAGES = ("mmskin", "torch", "timm", "transformers", "open_clip_torch", "numpy", "pandas", "scikit-learn", "scipy")


class Grid(NamedTuple):
    """A table as it is printed. The first column of a row is its heading.

    title: "" under a heading that says it already.
    folded: the page shows the title alone until it is opened.
    wraps: cells hold sentences, to be broken into lines.
    """

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    folded: bool = False
    wraps: bool = False

    @property
    def is_wide(self) -> bool:
        """Whether it needs the long side of the paper, however its cells are broken into lines."""
        columns = zip(self.head, *self.rows, strict=True)
        return sum(2 + max(len(word) for cell in column for word in cell.split() or [""]) for column in columns) > PAPER


class Link(NamedTuple):
    """To a file beside the page: nothing is fetched before a reader asks for it."""

    words: str
    address: str


class Section(NamedTuple):
    """A part of a page under a heading of its own, in this order; what it lacks is left out.

    note: how to read it.
    lines: paragraphs.
    items: of a list.
    html: what no other part can hold, made by a template.
    facts: values by name.
    listing: text as it is in a file, folded under its title.
    saved: plain values that stand in the JSON file beside the page, by key.
    """

    title: str
    note: str = ""
    lines: Sequence[str] = ()
    items: Sequence[str] = ()
    link: Link | None = None
    pictures: Sequence[Picture] = ()
    html: Markup = Markup("")
    grids: Sequence[Grid] = ()
    facts: Mapping[str, str] = {}
    listing: tuple[str, str] | None = None
    saved: Mapping[str, Any] = {}


class Sections(NamedTuple):
    """What others add to a page of results.

    above: right under the headline.
    amid: after the tables.
    below: after the figures and subgroups.
    warnings: of what they hold, told at the top of the page.
    """

    above: Sequence[Section] = ()
    amid: Sequence[Section] = ()
    below: Sequence[Section] = ()
    warnings: Sequence[str] = ()


def render(template: Path, **values: Any) -> str:
    """A page from a template that extends `base.html.jinja`; everything that is no Markup is escaped."""
    loader = ChoiceLoader([FileSystemLoader(template.parent), FileSystemLoader(Path(__file__).parent)])
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(template.name).render(**values)


def report_page(
    title: str,
    sections: Sequence[Section],
    *,
    headline: Sequence[str] = (),
    warnings: Sequence[str] = (),
    style: str = "",
) -> str:
    """A page of sections: the answer, what to beware of, the contents, then a section each.

    Args:
        title: of the page, which is its question where it has one.
        sections: in their order; each has an id made of its title, by which the contents lead to it.
        headline: the answer first, then what it rests on.
        warnings: for the reader of this page.
        style: CSS of what is on this page alone.
    """
    ids = anchors([section.title for section in sections])
    return render(
        HERE / "report_page.html.jinja",
        title=title,
        headline=headline,
        warnings=warnings,
        titles={id_: section.title for id_, section in zip(ids, sections, strict=True)},
        sections=dict(zip(ids, sections, strict=True)),
        style=Markup(style),
        sort=Markup(SORT.read_text(encoding="utf-8")),
    )


def anchors(titles: Sequence[str]) -> list[str]:
    """An id for each title, its letters and digits; the second of two equal ones ends in -2."""
    ids: list[str] = []
    for title in titles:
        name = re.sub(r"\W+", "-", title.lower()).strip("-")
        taken = sum(re.sub(r"-\d+$", "", other) == name or other == name for other in ids)
        ids.append(f"{name}-{taken + 1}" if taken else name)
    return ids


def made_section(environment: Mapping[str, str], *, config: str = "") -> Section:
    """How a page was made, the last of its sections."""
    return Section("How it was made", facts=environment, listing=("Configuration", config) if config else None)


def write_page(path: Path, page: str, content: Mapping[str, Any], *, numbers: str = "") -> Path:
    """Write a page, and its numbers as strict JSON beside it; the folder is made.

    Args:
        path: of the page, which is returned.
        page: its HTML.
        content: plain values and paths.
        numbers: name of the JSON file, if it is not that of the page.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, indent=1, ensure_ascii=False, default=_text, allow_nan=False)
    path.with_name(numbers or f"{path.stem}.json").write_text(text + "\n", encoding="utf-8")
    path.write_text(page, encoding="utf-8")
    return path


def _text(value: object) -> str:
    """A path; anything else that JSON does not know is refused, not written as whatever its text may be."""
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no plain value: {value!r}")


def typed_command() -> str:
    """What was typed to get here."""
    return " ".join(["mmskin", *sys.argv[1:]])


def environment(command: str) -> dict[str, str]:
    """What was typed, when, on what, with which versions."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "command": command or "(not given)",
        "written": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        **versions,
    }
