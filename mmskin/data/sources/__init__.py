"""Data sets by name, one line each; what one is stands in its declaration, `<name>.yaml` beside this file.

Where the layout is odd, a few lines of Python prepare the rows for the engine.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial

from mmskin.data.sources.csv_table import CsvTable
from mmskin.data.sources.ddi import Ddi
from mmskin.data.sources.derm7pt import Derm7pt
from mmskin.data.sources.fitzpatrick17k import Fitzpatrick17k
from mmskin.data.sources.isic2019 import Isic2019
from mmskin.data.sources.isic2020 import Isic2020
from mmskin.data.sources.joined import Joined
from mmskin.data.sources.pad_ufes_20 import PadUfes20
from mmskin.data.sources.scin import Scin
from mmskin.data.sources.synthetic import Synthetic
from mmskin.data.table import Source
from mmskin.data.tables.declaration import is_declared, read_declaration
from mmskin.data.tables.engine import DeclaredSource

SOURCES: dict[str, Callable[..., Source]] = {
    "csv": CsvTable,
    "ddi": Ddi,
    "derm7pt": Derm7pt,
    "fitzpatrick17k": Fitzpatrick17k,
    "ham10000": partial(DeclaredSource, "ham10000"),
    "isic2019": Isic2019,
    "isic2020": Isic2020,
    "milk10k": partial(DeclaredSource, "milk10k"),
    "pad_ufes_20": PadUfes20,
    "scin": Scin,
    "synthetic": Synthetic,
}
SOURCES["joined"] = partial(Joined, SOURCES)  # of sources in this very table


def data_card(name: str) -> str:
    """What a source is, for people: its card and what its options mean, the first line for lists."""
    source = SOURCES[name]
    target = source.func if isinstance(source, partial) else source
    card = [read_declaration(name).card.strip()] if is_declared(name) else []
    options = [] if target is DeclaredSource else [inspect.getdoc(target) or ""]
    return "\n\n".join([*card, *options])
