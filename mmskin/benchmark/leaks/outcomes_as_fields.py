"""What is known only after the diagnosis is read as a field of the history, such as whether a biopsy was taken."""

from __future__ import annotations

import pandas as pd

from mmskin.benchmark.leaks.leak_contract import Leak, Protocol
from mmskin.errors import DataError
from mmskin.schema import Field, is_missing


def outcomes_as_fields(protocol: Protocol) -> Protocol:
    """Every outcome column becomes a field: yes or no where its values are, else one of its values."""
    cases, data = protocol.cases, protocol.benchmark.data
    schema, table = cases.schema, cases.table
    fields = [outcome_field(name, table[name]) for name in schema.outcomes]
    values = {field.name: [field.parse(value) for value in table[field.name]] for field in fields}
    columns = {name: pd.Series(of_cases, dtype=object, index=table.index) for name, of_cases in values.items()}
    leaking = schema.model_copy(update={"fields": (*schema.fields, *fields), "outcomes": {}})
    names = None if data.fields is None else [*data.fields, *values]
    return Protocol(
        protocol.benchmark.model_copy(update={"data": data.model_copy(update={"fields": names})}),
        cases._replace(schema=leaking, table=table.assign(**columns)),
    )


def outcome_field(name: str, column: pd.Series) -> Field:
    """The column as a field of the history."""
    found = [value for value in column if not is_missing(value)]
    yes_no = Field(name=name, kind="yes_no")
    try:
        for value in found:
            yes_no.parse(value)
    except DataError:
        return Field(name=name, kind="categorical", choices=tuple(sorted({str(value).strip() for value in found})))
    return yes_no


LEAK = Leak("Outcomes read as fields", outcomes_as_fields)
