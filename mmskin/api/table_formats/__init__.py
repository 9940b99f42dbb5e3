"""How the answers for a table are written; a new format is a file here and a line in the table."""

from __future__ import annotations

from mmskin.api.table_formats.format_contract import TableFormat
from mmskin.api.table_formats.isic_milk10k import ISIC_MILK10K
from mmskin.api.table_formats.probability_columns import PROBABILITY_COLUMNS

OWN = "mmskin"
TABLE_FORMATS: dict[str, TableFormat] = {
    OWN: PROBABILITY_COLUMNS,
    "isic-milk10k": ISIC_MILK10K,
}
