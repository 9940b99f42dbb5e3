"""Photos of one patient lie in several parts: folds are drawn as if every photo were a patient."""

from __future__ import annotations

from mmskin.benchmark.leaks.leak_contract import Leak, Protocol


def split_by_photo(protocol: Protocol) -> Protocol:
    """Every case is its own patient and lesion, and no photo is known to be another's copy."""
    cases = protocol.cases
    table = cases.table.assign(patient_id=cases.table.case_id, lesion_id=cases.table.case_id)
    table = table.drop(columns="photo_group", errors="ignore")
    schema = cases.schema.model_copy(update={"patient_unit": "case"})
    return protocol._replace(cases=cases._replace(schema=schema, table=table))


LEAK = Leak("Folds split by photo, not by patient", split_by_photo)
