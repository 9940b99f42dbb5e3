"""`mmskin schema`: what editors need to complete and check a config."""

from __future__ import annotations

from typing import Annotated

import typer


def schema(
    config: Annotated[str, typer.Argument(help="experiment, benchmark, leak_study or teach")] = "experiment",
) -> None:
    """Print the JSON schema of a config: every key, its explanation and its choices, for editors."""
    import json

    from mmskin.cli.config_schema import config_schema

    print(json.dumps(config_schema(config), indent=2, ensure_ascii=False))
