"""`mmskin data check`: every fault of a data set at once."""

from __future__ import annotations

import typer

from mmskin.cli.console import json_on_stdout
from mmskin.cli.options import AsJson, DataFile, Overrides, read_data_section


def data_check(config: DataFile, overrides: Overrides = None, *, as_json: AsJson = False) -> None:
    """Open every photo and read every cell: every fault of table, folds and photos at once. Exit code 2 if any."""
    section = read_data_section(config, overrides)

    from mmskin.audit.check import check  # torch comes after the config is found good

    found = check(section)
    with json_on_stdout(as_json) as tell:
        print(f"{found.cases:,} cases read, {found.photos:,} photos opened, {len(found.faults):,} faults")
        for fault in found.faults:
            print(f"fault: {fault}")
        for remark in found.remarks:
            print(f"note: {remark}")
        tell(found._asdict())
    if found.faults:
        raise typer.Exit(2)
