"""Data sets by name, one line each; what one is stands in its declaration, `<name>.yaml` beside this file.

Where the layout is odd, a few lines of Python prepare the rows for the engine.
"""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING

from mmskin.config.parts import Parts, Place

if TYPE_CHECKING:
    from mmskin.data.table import Source

DECLARED = "mmskin.data.tables.engine:DeclaredSource"  # a data set of which the declaration says all

SOURCES: Parts[Source] = Parts(
    "source",
    {
        "csv": "mmskin.data.sources.csv_table:CsvTable",
        "ddi": "mmskin.data.sources.ddi:Ddi",
        "derm7pt": "mmskin.data.sources.derm7pt:Derm7pt",
        "folders": "mmskin.data.sources.folders:Folders",
        "fitzpatrick17k": "mmskin.data.sources.fitzpatrick17k:Fitzpatrick17k",
        "ham10000": Place(DECLARED, ("ham10000",)),
        "isic2019": "mmskin.data.sources.isic2019:Isic2019",
        "isic2020": "mmskin.data.sources.isic2020:Isic2020",
        "joined": "mmskin.data.sources.joined:Joined",
        "milk10k": Place(DECLARED, ("milk10k",)),
        "pad_ufes_20": "mmskin.data.sources.pad_ufes_20:PadUfes20",
        "scin": "mmskin.data.sources.scin:Scin",
        "synthetic": "mmskin.data.sources.synthetic:Synthetic",
    },
    group="mmskin.sources",
)


def data_card(name: str) -> str:
    """What a source is, for people: its card and what its options mean, the first line for lists."""
    from mmskin.data.tables.declaration import is_declared, read_declaration

    source = SOURCES[name]
    card = [read_declaration(name).card.strip()] if is_declared(name) else []
    options = [] if isinstance(source, partial) else [inspect.getdoc(source) or ""]
    return "\n\n".join([*card, *options])
