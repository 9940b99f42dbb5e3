"""Patients as digests: the same in every order, another in every data set, and those of several models together."""

from __future__ import annotations

import hashlib

from mmskin.data.patient_digests import joined_digests, patient_digests


def test_a_digest_is_blake2b_of_data_set_and_patient() -> None:
    expected = hashlib.blake2b(b"pad_ufes_20\0PAT_9", digest_size=8).hexdigest()
    assert patient_digests(["PAT_9"], source="pad_ufes_20") == [expected]


def test_one_a_patient_whatever_the_order_and_the_type_of_the_id() -> None:
    assert patient_digests(["b", "a", "b"], source="x") == patient_digests(["a", "b"], source="x")
    assert patient_digests([12], source="x") == patient_digests(["12"], source="x")
    assert len(patient_digests([f"p{i}" for i in range(1000)], source="x")) == 1000


def test_the_same_id_is_another_person_in_another_data_set() -> None:
    assert not set(patient_digests(["1"], source="x")) & set(patient_digests(["1"], source="y"))


def test_several_models_have_seen_what_each_has_seen() -> None:
    several = [{"x": ["b", "a"]}, {}, {"x": ["c", "a"], "y": ["d"]}]
    assert joined_digests(several) == {"x": ["a", "b", "c"], "y": ["d"]}
