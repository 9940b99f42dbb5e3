"""Whether the explanations of the primary arm hold, as one cell of a benchmark measured it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmskin.explain.check import Check
from mmskin.report.check_page import check_section
from mmskin.report.pages import Section


def explanations_section(content: Mapping[str, Any]) -> Section:
    """The measures, and in which cell they were taken.

    Args:
        content: of explanations.json: a `Check` as JSON, with arm, fold and seed.
    """
    section = check_section(Check.from_json(content))
    cell = f"{content['arm']}, fold {content['fold']}, seed {content['seed']}: {section.lines[0]}"
    return section._replace(lines=[cell, *section.lines[1:]], saved={"explanations": dict(content)})
