"""The audit of a benchmark's data, once an output folder, told before any score."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from mmskin.audit.page import write_audit
from mmskin.audit.run import Say, run_audit
from mmskin.config.experiment import DataConfig
from mmskin.report.pages import Grid, Link, Section

FOLDER = "audit"
MOST = 10  # leaks and suspicions told on the page; leaks come first


class AuditTask(NamedTuple):
    """The data to be audited, and the output folder of the benchmark."""

    data: DataConfig
    output: Path
    command: str = ""


def audited(data: DataConfig, output: Path, *, command: str = "", say: Say = lambda line: None) -> dict[str, Any]:
    """What `audit/audit.json` holds; the audit is run and written if that file is not there.

    Raises:
        DataError: see `run_audit`.
    """
    path = output / FOLDER / "audit.json"
    if not path.exists():
        say("audit of the data")
        write_audit(run_audit(data, say=say), path.parent, command=command)
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def audit_section(audit: dict[str, Any]) -> Section:
    """Leaks and suspicions as sentences, as many as can be read; notes folded below them."""
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
        link=Link(f"The whole audit{more}: {FOLDER}/audit.html", f"{FOLDER}/audit.html"),
        grids=[Grid(f"Notes ({len(notes)})", ["About", "Note"], notes, folded=True, wraps=True)] if notes else [],
        saved={"audit": {key: audit[key] for key in ("summary", "leaks", "findings")}},
    )
