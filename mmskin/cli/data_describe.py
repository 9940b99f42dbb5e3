"""`mmskin data describe`: what a source has read."""

from __future__ import annotations

from mmskin.cli.console import json_on_stdout
from mmskin.cli.options import AsJson, DataFile, Overrides, read_data_section


def data_describe(config: DataFile, overrides: Overrides = None, *, as_json: AsJson = False) -> None:
    """What was read: cases, classes, patients, what is missing per field, photos not found."""
    section = read_data_section(config, overrides)

    from mmskin.data.load import read_source
    from mmskin.report.data_summary import data_facts
    from mmskin.report.data_summary import describe as describe_cases

    cases = read_source(section)
    with json_on_stdout(as_json) as tell:
        print(describe_cases(cases))
        tell(data_facts(cases))
