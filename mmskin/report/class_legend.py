"""What the short names of classes stand for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mmskin.report.pages import Grid, Section


def titled(name: str, titles: Mapping[str, str]) -> str:
    """The name with its title behind it; the title alone where it begins with the name."""
    return f"{name}: {titles[name]}" if _is_short(name, titles) else titles.get(name, name)


def legend(classes: Iterable[str], titles: Mapping[str, str]) -> str:
    """Names with their titles as one sentence; "" where the names are titles already."""
    named = [titled(name, titles) for name in classes if _is_short(name, titles)]
    return f"{'; '.join(named)}." if named else ""


def class_section(
    classes: Sequence[str], titles: Mapping[str, str], groups: Mapping[str, Sequence[str]]
) -> list[Section]:
    """A row a class: its name, its title, and the class groups that hold it; nothing where there is nothing to say."""
    if not groups and not legend(classes, titles):
        return []
    rows = [
        [name, titles.get(name, name), ", ".join(group for group, members in groups.items() if name in members)]
        for name in classes
    ]
    head = ["Class", "Name in full", "Counted as"]
    width = len(head) if groups else len(head) - 1
    return [Section("Classes", grids=[Grid("", head[:width], [row[:width] for row in rows])])]


def _is_short(name: str, titles: Mapping[str, str]) -> bool:
    title = titles.get(name, name).casefold()
    return title != name.casefold() and not title.startswith(f"{name.casefold()} ")
