"""`mmskin data describe`: what a source has read."""

from __future__ import annotations

from mmskin.cli.options import DataFile, Overrides, read_data_section


def data_describe(config: DataFile, overrides: Overrides = None) -> None:
    """What was read: cases, classes, patients, what is missing per field, photos not found."""
    section = read_data_section(config, overrides)

    from mmskin.data.load import read_source
    from mmskin.report.data_summary import describe as describe_cases

    print(describe_cases(read_source(section)))
