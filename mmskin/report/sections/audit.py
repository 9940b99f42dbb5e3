"""What the audit found in the data, told before any score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmskin.report.pages import Grid, Link, Section

MOST = 10  # leaks and suspicions on the page; leaks come first


def audit_section(audit: Mapping[str, Any], *, address: str) -> Section:
    """Leaks and suspicions as sentences, as many as can be read; notes folded below them.

    Args:
        audit: content of audit.json.
        address: of its page, seen from the page of this section.
    """
    findings = audit["findings"]
    grave = [finding for finding in findings if finding["level"] != "note"]
    notes = [[finding["kind"].capitalize(), finding["text"]] for finding in findings if finding["level"] == "note"]
    items = [f"{finding['level'].capitalize()}: {finding['text']}" for finding in grave[:MOST]]
    more = f", with {len(grave) - MOST} more leaks and suspicions" if len(grave) > MOST else ""
    return Section(
        "What the audit says of these data",
        "Leak: a model or this test could profit from it unduly. Suspicion: worth a look by a person.",
        [audit["summary"]],
        items,
        link=Link(f"The whole audit{more}: {address}", address),
        grids=[Grid(f"Notes ({len(notes)})", ["About", "Note"], notes, folded=True, wraps=True)] if notes else [],
        saved={"audit": {key: audit[key] for key in ("summary", "leaks", "findings")}},
    )
