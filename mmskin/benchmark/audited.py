"""The audit of a benchmark's data, once an output folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from mmskin.audit.page import write_audit
from mmskin.audit.run import Say, run_audit
from mmskin.config.experiment import DataConfig

FOLDER = "audit"


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
