"""Texts for models that take tokens.

    tokenizer = strop.text.Tokenizer("tokenizer.json", max_length=128)
    trainer = strop.Trainer(model, processor=tokenizer, epochs=3)
    trainer.fit(frame, "label")

Needs the package `tokenizers`: pip install 'strop[text]'.
"""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from strop.arrays import Array
from strop.errors import DataError, NoInputError, UsageError
from strop.extras import needed
from strop.interface import Value
from strop.processing import LENGTH, LONE, Processor, filled, is_mask, is_text, padded_length

if TYPE_CHECKING:
    from tokenizers import Tokenizer as _Tokenizer

# Encoded at a time.
_PIECE = 4096


class Tokenizer(Processor):
    """A tokenizer.json of Hugging Face's, or a `tokenizers.Tokenizer`, as it stands: normalization,
    special tokens and truncation are its own.

    max_length: tokens of a sample at most, special ones counted, in place of the file's truncation.
    columns: the name of the column of texts, or of two that make pairs; by default all columns that
    hold texts. Padding is what batches need, at the end.
    """

    filename = "tokenizer.json"
    multiple = 8

    def __init__(
        self,
        tokenizer: "str | os.PathLike[str] | _Tokenizer",
        *,
        max_length: int | None = None,
        columns: str | Sequence[str] | None = None,
    ) -> None:
        kind = _tokenizers().Tokenizer
        self._tokenizer: _Tokenizer
        if isinstance(tokenizer, kind):
            self._tokenizer = kind.from_str(tokenizer.to_str())
        else:
            self._tokenizer = _read(tokenizer)
        self.columns = (columns,) if isinstance(columns, str) else tuple(columns or ())
        if len(self.columns) > 2:
            raise UsageError(f"columns: found {len(self.columns)}, expected one, or two for pairs")
        padding = self._tokenizer.padding
        self._pad_id = padding["pad_id"] if padding else _pad_id(self._tokenizer)
        self._pad_type_id = padding["pad_type_id"] if padding else 0
        self._tokenizer.no_padding()
        if max_length is not None:
            self._truncate(max_length)

    @property
    def max_length(self) -> int | None:
        """Tokens of a sample at most; None: as many as there are."""
        truncation = self._tokenizer.truncation
        return truncation["max_length"] if truncation else None

    def takes(self, columns: Mapping[str, Array]) -> bool:
        return any(is_text(column) for column in columns.values())

    def encode(self, inputs: Sequence[Value], columns: Mapping[str, Array]) -> dict[str, Array]:
        texts = self._texts(columns)
        ids: list[list[int]] = []
        types: list[list[int]] = []
        for start in range(0, len(texts[0]), _PIECE):
            parts = [column[start : start + _PIECE] for column in texts]
            pairs: list[Any] = parts[0] if len(parts) == 1 else list(zip(*parts, strict=True))
            encodings = self._tokenizer.encode_batch(pairs)
            ids += [encoding.ids for encoding in encodings]
            types += [encoding.type_ids for encoding in encodings]
        lengths = np.array([len(row) for row in ids], np.int64)
        longest = int(lengths.max(initial=0))
        length = padded_length(inputs, 1, longest, self.multiple, self.max_length)
        if longest > length:
            raise UsageError(
                f"x: found {longest} tokens, expected at most the {length} that the model "
                f"takes; give the tokenizer max_length={length}"
            )
        positions = np.arange(length)
        mask = positions < lengths[:, None]
        arrays: dict[str, Array] = {}
        for value in inputs:
            kind = _kind_of(value.name, len(inputs))
            if kind == "ids":
                array = filled(ids, length, self._pad_id, "int64")
            elif kind == "mask":
                array = mask
            elif kind == "types":
                array = filled(types, length, self._pad_type_id, "int64")
            else:
                array = np.broadcast_to(positions, mask.shape)
            arrays[value.name] = np.ascontiguousarray(array, value.type)
        return {LENGTH: np.maximum(lengths, 1), **arrays}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes it as tokenizer.json, truncation and the token of padding included."""
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.to_json())

    def to_json(self) -> str:
        """What `save` writes."""
        kept = _tokenizers().Tokenizer.from_str(self._tokenizer.to_str())
        token = kept.id_to_token(self._pad_id)
        if token is not None:
            kept.enable_padding(pad_id=self._pad_id, pad_type_id=self._pad_type_id, pad_token=token)
        content: str = kept.to_str(pretty=True)
        return content

    def __getstate__(self) -> dict[str, Any]:
        return {"json": self.to_json(), "columns": self.columns}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        made = _tokenizers().Tokenizer.from_str(state["json"])
        Tokenizer.__init__(self, made, columns=state["columns"])

    def _truncate(self, max_length: int) -> None:
        least = self._tokenizer.num_special_tokens_to_add(len(self.columns) == 2)
        if max_length <= least:
            raise UsageError(
                f"max_length: found {max_length}, expected more than the {least} special tokens"
            )
        given = self._tokenizer.truncation or {}
        self._tokenizer.enable_truncation(**{**given, "max_length": max_length})

    def _texts(self, columns: Mapping[str, Array]) -> list[list[str]]:
        names = self.columns or tuple(name for name in columns if is_text(columns[name]))
        if list(columns) == [LONE] and len(names) == 1:
            names = (LONE,)
        for name in names:
            if name not in columns:
                found = ", ".join(columns)
                raise UsageError(f"x: found no column {name!r}, expected one of {found}")
        if len(names) not in (1, 2):
            raise UsageError(
                f"x: found columns of texts {', '.join(names) or 'none'}, expected one, or two for "
                "pairs; name them with columns=… of the tokenizer"
            )
        return [_checked(name, columns[name]) for name in names]


def _checked(name: str, column: Array) -> list[str]:
    texts: list[str] = column.tolist()
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise UsageError(f"column {name!r}, row {row}: found {text!r}, expected a text")
    return texts


def _tokenizers() -> Any:
    return needed("tokenizers", "text")


def _read(path: "str | os.PathLike[str]") -> "_Tokenizer":
    name = os.fspath(path)
    if not os.path.exists(name):
        raise NoInputError(f"tokenizer: {name!r}: no such file")
    try:
        return _tokenizers().Tokenizer.from_file(name)
    except Exception as error:  # the package raises no other
        reason = str(error).splitlines()[0]
        raise DataError(f"tokenizer: {name!r}: found {reason}, expected a tokenizer.json") from None


def _pad_id(tokenizer: "_Tokenizer") -> int:
    for token in ("[PAD]", "<pad>", "<|endoftext|>"):
        number: int | None = tokenizer.token_to_id(token)
        if number is not None:
            return number
    return 0


def _kind_of(name: str, input_count: int) -> str:
    """What an input takes, by the names that exporters give."""
    known = name.lower().split(":")[0]
    if is_mask(name):
        return "mask"
    if "type" in known or "segment" in known:
        return "types"
    if known.startswith("position"):
        return "positions"
    if "ids" in known or input_count == 1:
        return "ids"
    raise UsageError(
        f"model: found an input {name!r}, expected inputs of tokens: input_ids, attention_mask, "
        "token_type_ids, position_ids"
    )
