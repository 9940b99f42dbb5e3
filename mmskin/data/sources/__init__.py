"""Data sets by name: one file per source, its class docstring the data card."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from mmskin.data.sources.csv_table import CsvTable
from mmskin.data.sources.ddi import Ddi
from mmskin.data.sources.derm7pt import Derm7pt
from mmskin.data.sources.fitzpatrick17k import Fitzpatrick17k
from mmskin.data.sources.ham10000 import Ham10000
from mmskin.data.sources.isic2019 import Isic2019
from mmskin.data.sources.isic2020 import Isic2020
from mmskin.data.sources.joined import Joined
from mmskin.data.sources.milk10k import Milk10k
from mmskin.data.sources.pad_ufes_20 import PadUfes20
from mmskin.data.sources.scin import Scin
from mmskin.data.sources.synthetic import Synthetic
from mmskin.data.table import Source

SOURCES: dict[str, Callable[..., Source]] = {
    "csv": CsvTable,
    "ddi": Ddi,
    "derm7pt": Derm7pt,
    "fitzpatrick17k": Fitzpatrick17k,
    "ham10000": Ham10000,
    "isic2019": Isic2019,
    "isic2020": Isic2020,
    "milk10k": Milk10k,
    "pad_ufes_20": PadUfes20,
    "scin": Scin,
    "synthetic": Synthetic,
}
SOURCES["joined"] = partial(Joined, SOURCES)  # of sources in this very table
