from __future__ import annotations

import numpy as np
import pytest

from mmskin.inputs.note import render_note, say_duration
from mmskin.synthetic.case import SyntheticCase, Told, twin
from mmskin.synthetic.history import SYMPTOMS, bands_of, clinic_schema, fields_of, history_of_case, text_of
from mmskin.synthetic.latents import HISTORY_VALUES, NOT_SEEN, default_design
from mmskin.synthetic.population import draw_cases, latents_of


def cases(n: int, *, told: Told = "fields") -> list[SyntheticCase]:
    return draw_cases(default_design(), n, seed=1, told=told)


def test_fields_are_admissible_and_give_every_latent_back() -> None:
    design, drawn, schema = default_design(), cases(400), clinic_schema()
    truth = latents_of(drawn, design).history
    for case, latents in zip(drawn, truth, strict=True):
        fields = fields_of(case)
        assert schema.parse_history(fields).fields == fields
        assert bands_of(fields).tolist() == latents.tolist()


def test_notes_keep_the_bands_of_a_duration() -> None:
    for case in cases(300):
        said = say_duration(float(fields_of(case)["duration"] or 0))
        assert case.values["duration"].rstrip("s") in said, said


def test_unknown_and_not_recorded_are_not_seen() -> None:
    fields = {"growth": "yes", "itch": "unknown", "bleeding": None}
    expected = dict.fromkeys(HISTORY_VALUES, NOT_SEEN) | {"growth": 1}
    assert bands_of(fields).tolist() == list(expected.values())


def test_patient_has_one_age() -> None:
    pair = [SyntheticCase(f"case_{i}", "patient_9", "alvita", cases(1)[0].values) for i in range(5)]
    assert len({fields_of(case)["age"] for case in pair}) == 1


def test_hidden_fields_are_told_nowhere() -> None:
    told: Told
    for told in ("fields", "text", "both"):
        for case in cases(40, told=told):
            silent = SyntheticCase(
                case.case_id, case.patient_id, case.target, case.values, hidden=SYMPTOMS, told=told, seed=case.seed
            )
            assert all(fields_of(silent)[name] is None for name in SYMPTOMS)
            other = twin(
                silent, {name: next(v for v in HISTORY_VALUES[name] if v != silent.values[name]) for name in SYMPTOMS}
            )
            assert history_of_case(silent) == history_of_case(other)


def test_small_talk_does_not_depend_on_the_latents() -> None:
    for case in cases(60):
        assert text_of(case) == text_of(twin(case, {"bleeding": "yes", "growth": "yes", "ulcer": "yes"}))


@pytest.mark.parametrize("told", ["text", "both"])
def test_change_of_one_symptom_changes_one_clause(told: Told) -> None:
    for case in cases(40, told=told):
        before = text_of(twin(case, {"bleeding": "no"})) or ""
        after = text_of(twin(case, {"bleeding": "yes"})) or ""
        pairs = list(zip(before.split(". "), after.split(". "), strict=True))
        assert len(pairs) == len(SYMPTOMS)
        assert sum(a != b for a, b in pairs) == 1


def test_own_words_tell_every_symptom_apart_and_in_several_ways() -> None:
    for name in SYMPTOMS:
        by_value: dict[str, set[str]] = {value: set() for value in HISTORY_VALUES[name]}
        others = tuple(n for n in SYMPTOMS if n != name)
        for case in cases(120, told="text"):
            only = SyntheticCase(case.case_id, case.patient_id, "alvita", case.values, hidden=others, told="text")
            by_value[case.values[name]].add(text_of(only) or "")
        clauses = [clause for told in by_value.values() for clause in told]
        assert len(set(clauses)) == len(clauses) == 3 * len(by_value)


def test_own_words_deny_in_words_that_also_affirm() -> None:
    """A bag of words must not do: no word but of the most common ones belongs to one value alone in every wording."""
    texts = [(case.values["bleeding"], set((text_of(case) or "").lower().split())) for case in cases(300, told="text")]
    for value in ("yes", "no"):
        told = [words for v, words in texts if v == value]
        elsewhere = set().union(*(words for v, words in texts if v != value))
        assert not (set.intersection(*told) - elsewhere)


def test_text_only_leaves_the_symptoms_out_of_the_fields() -> None:
    case = cases(1, told="text")[0]
    assert [name for name, value in fields_of(case).items() if value is not None] == ["age", "site"]
    both = cases(1, told="both")[0]
    assert None not in fields_of(both).values()
    assert text_of(both) == text_of(case)


def test_every_field_has_words_for_the_note_in_more_than_one_way() -> None:
    schema = clinic_schema()
    history = history_of_case(cases(1)[0])
    plain = render_note(history, schema)
    assert plain.count(".") >= len(schema.fields)
    notes = {render_note(history, schema, rng=np.random.default_rng(seed)) for seed in range(20)}
    assert len(notes) == 20


def test_schema_names_its_worrying_classes_and_forbids_the_truth() -> None:
    schema = clinic_schema()
    assert schema.class_groups["worrying"] == ("brenosa", "durelle", "elstra", "fenoid")
    assert schema.optional_block == SYMPTOMS
    assert {f"true_{name}" for name in ("ulcer", "bleeding")} <= set(schema.outcomes)
    with pytest.raises(Exception, match="true_ulcer' is an outcome column"):
        schema.field("true_ulcer")
