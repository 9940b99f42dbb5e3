from __future__ import annotations

import pickle

import pytest

from mmskin.errors import ConfigError, DataError, LeakError, MmskinError, ModelError, UserError, first_of, one_of


def test_bad_input_exits_with_2_and_a_bad_model_with_3() -> None:
    assert (ConfigError.exit_code, LeakError.exit_code, ModelError.exit_code) == (2, 2, 3)
    assert issubclass(LeakError, DataError)
    assert issubclass(DataError, UserError)
    assert not issubclass(ModelError, UserError)


def test_errors_cross_from_one_process_to_another() -> None:
    error = pickle.loads(pickle.dumps(DataError("age='x' must be a number")))
    assert isinstance(error, MmskinError)
    assert str(error) == "age='x' must be a number"


def test_a_wrong_name_is_answered_with_the_nearest_one_whatever_its_case() -> None:
    told = one_of("class", "mel_", ["NEV", "MEL"])
    assert told == "class 'mel_' does not exist. Did you mean 'MEL'? It must be one of: MEL, NEV."
    assert "Did you mean" not in one_of("class", "zzz", ["NEV", "MEL"])


@pytest.mark.parametrize(("limit", "told"), [(2, "1, 2 and 1 more"), (3, "1, 2, 3"), (10, "1, 2, 3")])
def test_a_long_list_is_cut_and_counted(limit: int, told: str) -> None:
    assert first_of([1, 2, 3], limit) == told
