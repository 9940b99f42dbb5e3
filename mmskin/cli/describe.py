"""`mmskin describe`: the parts there are."""

from __future__ import annotations

from typing import Annotated

import typer


def describe(
    name: Annotated[str | None, typer.Argument(help="a source, fusion, encoder or loss; all if not given")] = None,
) -> None:
    """What mmskin has: data sets with their cards, encoders, fusions, losses."""
    from mmskin.cli.catalogue import describe_all, describe_one

    print(describe_one(name) if name else describe_all())
