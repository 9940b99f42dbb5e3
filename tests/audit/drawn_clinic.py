"""The synthetic clinic as a table of cases, without its photos: drawn in milliseconds."""

from __future__ import annotations

from mmskin.data.table import Cases, check_table, make_table
from mmskin.synthetic.history import FIELDS, clinic_schema, fields_of, text_of
from mmskin.synthetic.latents import default_design
from mmskin.synthetic.population import Missing, Shortcut, draw_cases


def drawn_clinic(
    *, cases: int = 1000, seed: int = 0, missing: Missing | None = None, shortcut: Shortcut | None = None
) -> Cases:
    """What `Synthetic` reads from a clinic of these cases, all photos missing; `true_*` but for the age left out."""
    drawn = draw_cases(default_design(), cases, seed=seed, missing=missing, shortcut=shortcut)
    told = [fields_of(case) for case in drawn]
    columns = {
        "case_id": [case.case_id for case in drawn],
        "patient_id": [case.patient_id for case in drawn],
        "lesion_id": [case.case_id for case in drawn],
        "images": [() for _ in drawn],
        "target": [case.target for case in drawn],
        "text": [text_of(case) for case in drawn],
        **{field.name: [fields[field.name] for fields in told] for field in FIELDS},
        "skin_tone": [case.values["skin_tone"] for case in drawn],
        "true_age": [case.values["age"] for case in drawn],
        "marker_pen": [case.values["pen"] for case in drawn],
        "marker_ruler": [case.values["ruler"] for case in drawn],
    }
    schema = clinic_schema()
    return check_table(Cases(schema, make_table(schema, columns)))
