from __future__ import annotations

import pickle
import zlib

import pytest
import torch
from tiny_encoders import encode, refuse_network

from mmskin.encoders.hashing_text import IDS_PER_WORD, HashingTextEncoder, HashNote
from mmskin.errors import ConfigError

NOTES = ["It does not itch.", "Woman, 62. Forearm. Itches; has grown, and bled once!", ""]


def bucket(feature: str, buckets: int = 1000) -> int:
    return zlib.crc32(feature.encode()) % buckets + 1


def test_a_word_is_itself_its_pair_and_its_ngrams() -> None:
    prepare = HashNote(buckets=1000, ngrams=(3,), max_tokens=9)
    ids = prepare("Not ITCH")["ids"]
    assert ids.shape == (2, IDS_PER_WORD)
    wanted = [
        ["w not", "p . not", "n <no", "n not", "n ot>"],
        ["w itch", "p not itch", "n <it", "n itc", "n tch", "n ch>"],
    ]
    for row, features in zip(ids, wanted, strict=True):
        assert row[: len(features)].tolist() == [bucket(feature) for feature in features]
        assert row[len(features) :].eq(0).all()


def test_pairs_do_not_cross_sentences() -> None:
    prepare = HashNote(buckets=1000, ngrams=(), max_tokens=9)
    across = prepare("no. itch")["ids"][1, :2].tolist()
    within = prepare("no itch")["ids"][1, :2].tolist()
    assert across == [bucket("w itch"), bucket("p . itch")]
    assert within == [bucket("w itch"), bucket("p no itch")]


def test_case_accents_and_commas_do_not_matter() -> None:
    prepare = HashNote(buckets=1000, ngrams=(3, 4), max_tokens=9)
    assert torch.equal(prepare("Démangeaison, parfois")["ids"], prepare("demangeaison PARFOIS")["ids"])


def test_hashes_are_the_same_on_every_machine() -> None:
    # CRC-32 of "w itch" as a literal, as gzip writes it: Python's own hash changes from process to process
    assert HashNote(buckets=2**32, ngrams=(), max_tokens=1)("itch")["ids"][0, 0] == 0x7E4B1AD5 + 1


def test_negation_and_word_order_change_the_answer() -> None:
    encoder = HashingTextEncoder(dim=16).eval()
    asked = ["it does itch . it has not grown", "it does not itch . it has grown"]
    assert sorted(asked[0].split()) == sorted(asked[1].split())
    pooled = encode(encoder, asked).pooled
    assert (pooled[0] - pooled[1]).abs().max() > 0.05


def test_inflections_are_nearer_than_strangers() -> None:
    # an untrained table: nearness comes from shared n-grams alone
    torch.manual_seed(0)
    encoder = HashingTextEncoder(dim=128).eval()
    ids = encoder.prepare("itches. itching. forearm")["ids"]
    words = encoder.embedding(ids).sum(dim=1)
    cosine = torch.nn.functional.cosine_similarity
    assert cosine(words[0], words[1], dim=0) > cosine(words[0], words[2], dim=0) + 0.2


@torch.inference_mode()
def test_padding_and_company_do_not_change_the_answer() -> None:
    encoder = HashingTextEncoder(dim=16).eval()
    together = encode(encoder, NOTES)
    for row, note in enumerate(NOTES):
        alone = encode(encoder, [note])
        length = alone.tokens.shape[1]
        assert int(together.mask[row].sum()) == length
        torch.testing.assert_close(together.pooled[row], alone.pooled[0], rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(together.tokens[row, :length], alone.tokens[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("note", ["", "  ", "...", ",;", "\u200d"])
def test_a_note_without_words_is_one_real_token(note: str) -> None:
    features = encode(HashingTextEncoder(dim=8).eval(), [note])
    assert features.mask.tolist() == [[True]]
    assert features.pooled.isfinite().all()


def test_a_long_note_loses_its_end_and_says_so() -> None:
    encoder = HashingTextEncoder(dim=8, max_tokens=3)
    assert torch.equal(encoder.prepare("one two three four")["ids"], encoder.prepare("one two three")["ids"])
    assert encoder.is_truncated("one two three four")
    assert not encoder.is_truncated("one two three.")


def test_it_learns_what_a_word_means() -> None:
    torch.manual_seed(0)
    encoder, head = HashingTextEncoder(dim=16, buckets=512, dropout=0.0), torch.nn.Linear(16, 1)
    notes = [f"{who}. {what}." for who in ("Man, 40", "Woman, 62") for what in ("It itches", "It does not itch")]
    target = torch.tensor([1.0, 0.0, 1.0, 0.0])
    optimiser = torch.optim.Adam([*encoder.parameters(), *head.parameters()], lr=0.01)
    for _ in range(60):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(head(encode(encoder, notes).pooled)[:, 0], target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    unseen = head(encode(encoder.eval(), ["Boy, 9. It itches.", "Boy, 9. It does not itch."]).pooled)[:, 0]
    assert unseen[0] > 0 > unseen[1]


def test_prepare_is_picklable_and_needs_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_network(monkeypatch)
    prepare = HashingTextEncoder().prepare
    assert pickle.loads(pickle.dumps(prepare)) == prepare


@pytest.mark.parametrize("option", [{"dim": 0}, {"buckets": 0}, {"max_tokens": 0}, {"ngrams": (3, 0)}])
def test_options_below_one_are_refused(option: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=f"{next(iter(option))} must be 1 or more, however: 0"):
        HashingTextEncoder(**option)  # type: ignore[arg-type]


TAUGHT = ("It itches and bleeds.", "No scabbing. On the face, for 3 weeks.")


def with_vocabulary() -> HashingTextEncoder:
    encoder = HashingTextEncoder(dim=16).eval()
    encoder.take_vocabulary(TAUGHT)
    return encoder


def test_words_that_were_not_taught_are_not_read() -> None:
    encoder = with_vocabulary()
    for nonsense in ("asdf qwer", "asdf qwer zxcv", "juckt"):
        assert torch.equal(encoder.prepare(nonsense)["ids"], encoder.prepare("")["ids"])
        assert not encoder.reads(nonsense)
    assert torch.equal(encoder.prepare("It asdf itches")["ids"], encoder.prepare("It itches")["ids"])
    assert len(encoder.prepare("It itches, 47")["ids"]) == 3  # numbers are
    assert encoder.words_of("It asdf itches") == [0, 2]
    assert len(HashingTextEncoder(dim=16).prepare("asdf qwer")["ids"]) == 2  # without a vocabulary all is


def test_it_knows_the_words_that_were_taught_alone() -> None:
    encoder = with_vocabulary()
    assert all(encoder.knows(word) for word in ("Itches", "scabbing", "weeks"))
    assert not any(encoder.knows(word) for word in ("itchs", "asdf", "sangra", "痒"))
    assert HashingTextEncoder(dim=16).knows("asdf")


def test_its_vocabulary_is_saved_and_read_back() -> None:
    encoder, other = with_vocabulary(), HashingTextEncoder(dim=16)
    assert other.state_json() == {}
    other.load_state_json(encoder.state_json())
    assert other.prepare == encoder.prepare
    assert pickle.loads(pickle.dumps(other.prepare)).known == encoder.prepare.known
