from __future__ import annotations

import pytest
import torch
from tiny_encoders import HISTORIES, SCHEMA, encode

from mmskin.encoders.metadata_onehot import MetadataOneHot
from mmskin.encoders.metadata_tokens import MetadataTokens
from mmskin.errors import ConfigError
from mmskin.schema import History


def fitted() -> MetadataTokens:
    encoder = MetadataTokens(SCHEMA, dim=8).eval()
    encoder.fit(HISTORIES)
    return encoder


def row(encoder: MetadataTokens, name: str) -> torch.Tensor:
    return encoder.value[encoder.rows.row_names.index(name)]


def test_tokens_are_those_written_by_hand() -> None:
    encoder = fitted()
    tokens = encode(encoder, [History({"age": 50.0, "region": "face"})]).tokens[0]
    # mean age of the histories is 50, so its score is 0 and only the field's own vector is left
    torch.testing.assert_close(tokens[0], encoder.field[0])
    torch.testing.assert_close(tokens[1], encoder.field[1] + row(encoder, "since=not recorded"))
    torch.testing.assert_close(tokens[2], encoder.field[2] + row(encoder, "region=face"))
    torch.testing.assert_close(tokens[3], encoder.field[3] + row(encoder, "itch=not recorded"))


def test_a_number_moves_its_token_along_a_line() -> None:
    encoder = fitted()
    tokens = encode(encoder, [History({"age": age}) for age in (50.0, 60.0, 80.0)]).tokens[:, 0]
    torch.testing.assert_close((tokens[2] - tokens[0]), 3 * (tokens[1] - tokens[0]))


def test_not_recorded_is_a_real_token_other_than_zero_no_and_unknown() -> None:
    encoder = fitted()
    features = encode(encoder, [History(), History({"itch": "no"}), History({"itch": "unknown"})])
    assert features.mask.all()
    absent, no, unknown = features.tokens[:, 3]
    assert absent.abs().min() > 0
    assert not torch.allclose(absent, no)
    assert not torch.allclose(absent, unknown)
    assert not torch.allclose(no, unknown)


def test_a_choice_never_seen_in_training_says_only_that_something_is_recorded() -> None:
    encoder = fitted()
    tokens = encode(encoder, [History({"region": "back"}), History({"region": "unknown"})]).tokens[:, 2]
    assert torch.equal(tokens[0], encoder.field[2])
    assert torch.equal(tokens[1], encoder.field[2])
    optimiser = torch.optim.AdamW(encoder.parameters(), lr=0.1, weight_decay=0.1)
    encode(encoder.train(), HISTORIES).pooled.square().sum().backward()
    optimiser.step()
    tokens = encode(encoder.eval(), [History({"region": "back"})]).tokens[:, 2]
    assert torch.equal(tokens[0], encoder.field[2])


def test_free_text_is_not_read() -> None:
    encoder = fitted()
    pooled = encode(encoder, [History({"age": 3.0}), History({"age": 3.0}, text="it itches")]).pooled
    assert torch.equal(pooled[0], pooled[1])


def test_it_learns_a_rule_of_two_fields() -> None:
    torch.manual_seed(0)
    encoder, head = MetadataTokens(SCHEMA, dim=16), torch.nn.Linear(16, 1)
    cases = [(age, itch) for age in (20.0, 80.0) for itch in ("yes", "no")]
    histories = [History({"age": age, "itch": itch}) for age, itch in cases]
    target = torch.tensor([float((age > 50) != (itch == "yes")) for age, itch in cases])  # XOR: no single field tells
    encoder.fit(histories)
    optimiser = torch.optim.Adam([*encoder.parameters(), *head.parameters()], lr=0.01)
    for _ in range(150):
        logits = head(encode(encoder, histories).pooled)[:, 0]
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss < 0.1


def test_a_field_that_training_always_records_still_has_a_vector_for_not_recorded() -> None:
    encoder = fitted()
    absent = encode(encoder, [History()]).tokens[0, 0]
    assert row(encoder, "age=not recorded").abs().max() > 0
    assert (absent - encoder.field[0]).abs().max() > 0


def test_pooled_columns_are_those_of_onehot() -> None:
    tokens, onehot = MetadataTokens(SCHEMA, dim=32, pooled="columns"), MetadataOneHot(SCHEMA, standardize=True)
    for encoder in (tokens, onehot):
        encoder.fit(HISTORIES)
    seen = encode(onehot, HISTORIES).pooled
    mine = encode(tokens, HISTORIES).pooled
    torch.testing.assert_close(mine[:, : seen.shape[1]], seen)
    assert not mine[:, seen.shape[1] :].any()


def test_a_column_that_no_training_history_fills_stays_empty() -> None:
    encoder = MetadataTokens(SCHEMA, dim=32, pooled="columns")
    encoder.fit([History({"region": "face"}), History({"region": "face", "itch": "yes"})])
    assert not encode(encoder, [History({"itch": "unknown"})]).pooled.any()
    assert encode(encoder, [History({"itch": "yes"})]).pooled.sum() == 1


def test_pooled_columns_need_room_and_a_known_name() -> None:
    with pytest.raises(ConfigError, match=r"dim must be .* however: dim=4"):
        MetadataTokens(SCHEMA, dim=4, pooled="columns")
    with pytest.raises(ConfigError, match="pooled"):
        MetadataTokens(SCHEMA, pooled="colums")  # type: ignore[arg-type]
