"""Sounds for models that take waveforms.

    sounds = strop.audio.Waveforms(16000, max_seconds=5)
    trainer = strop.Trainer(model, processor=sounds, epochs=10)
    trainer.fit(frame, "label")  # a column of paths of WAV, FLAC or OGG files

Needs the packages `soundfile` and `soxr`: pip install 'strop[audio]'.
"""

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from strop.arrays import Array, array_of
from strop.errors import DataError, NoInputError, UsageError
from strop.extras import needed
from strop.interface import Value
from strop.processing import LENGTH, LONE, Processor, filled, is_mask, is_text, padded_length

# As Wav2Vec2FeatureExtractor, whose file this is, too.
_KIND = "Wav2Vec2FeatureExtractor"
_EPSILON = 1e-7


class Waveforms(Processor):
    """Waveforms [samples, time] or [samples, 1, time] of one rate and one channel.

    sampling_rate: of the model, in Hz; what has another is resampled. max_seconds: of a sample at
    most, the rest is cut off. normalize: gives each a mean of 0 and a variance of 1. column: the
    name of the column; by default the only one of sounds.

    A sound is the path of a file (WAV, FLAC, OGG and whatever else `soundfile` reads), an array
    [time] or [time, channels] of the model's rate, or a dict of "array" and "sampling_rate".
    Channels are averaged. All samples lie in memory, each as long as the longest.
    """

    filename = "preprocessor_config.json"

    def __init__(
        self,
        sampling_rate: int,
        *,
        max_seconds: float | None = None,
        normalize: bool = False,
        column: str | None = None,
    ) -> None:
        if sampling_rate < 1:
            raise UsageError(f"sampling_rate: found {sampling_rate}, expected some Hz")
        if max_seconds is not None and max_seconds * sampling_rate < 1:
            raise UsageError(f"max_seconds: found {max_seconds}, expected a sample's time at least")
        self.sampling_rate = sampling_rate
        self.max_seconds = max_seconds
        self.normalize = normalize
        self.column = column
        self.multiple = max(sampling_rate // 10, 1)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> "Waveforms":
        """From a preprocessor_config.json of Wav2Vec2's kind."""
        if not os.path.exists(path):
            raise NoInputError(f"waveforms: {os.fspath(path)!r}: no such file")
        with open(path, encoding="utf-8") as file:
            config = json.load(file)
        kind = config.get("feature_extractor_type", _KIND)
        if kind != _KIND or "sampling_rate" not in config:
            raise UsageError(
                f"waveforms: {os.fspath(path)!r}: found a {kind}, expected a {_KIND} with its "
                "sampling_rate: others compute spectra, which models would have to be given"
            )
        return cls(
            config["sampling_rate"],
            max_seconds=config.get("max_seconds"),
            normalize=bool(config.get("do_normalize", False)),
        )

    def takes(self, columns: Mapping[str, Array]) -> bool:
        return any(_is_sound(column) for column in columns.values())

    def encode(self, inputs: Sequence[Value], columns: Mapping[str, Array]) -> dict[str, Array]:
        name = self._column_of(columns)
        sounds = [self._waveform(name, row, sound) for row, sound in enumerate(columns[name])]
        lengths = np.array([len(sound) for sound in sounds], np.int64)
        signals = [value for value in inputs if not is_mask(value.name)]
        if len(signals) != 1:
            found = ", ".join(value.name for value in signals)
            raise UsageError(f"model: found inputs {found}, expected one of waveforms")
        axis = len(signals[0].shape or (0, 0)) - 1
        length = padded_length(signals, axis, int(lengths.max(initial=0)), self.multiple)
        sounds = [sound[:length] for sound in sounds]  # of a model that takes one length only
        lengths = np.minimum(lengths, length)
        array = filled(sounds, length, 0, signals[0].type)
        arrays = {signals[0].name: array[:, None] if axis == 2 else array}
        for value in inputs:
            if is_mask(value.name):
                arrays[value.name] = (np.arange(length) < lengths[:, None]).astype(value.type)
        return {LENGTH: lengths, **arrays}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes it as preprocessor_config.json."""
        config: dict[str, object] = {
            "feature_extractor_type": _KIND,
            "feature_size": 1,
            "sampling_rate": self.sampling_rate,
            "do_normalize": self.normalize,
            "padding_side": "right",
            "padding_value": 0.0,
        }
        if self.max_seconds is not None:
            config["max_seconds"] = self.max_seconds
        with open(path, "w", encoding="utf-8") as file:
            file.write(json.dumps(config, indent=2) + "\n")

    def _column_of(self, columns: Mapping[str, Array]) -> str:
        if list(columns) == [LONE]:
            return LONE
        names = [name for name, column in columns.items() if _is_sound(column)]
        if self.column is not None:
            names = [name for name in names if name == self.column]
        if len(names) != 1:
            raise UsageError(
                f"x: found columns of sounds {', '.join(names) or 'none'}, expected one; name it "
                "with column=… of the waveforms"
            )
        return names[0]

    def _waveform(self, column: str, row: int, sound: Any) -> Array:
        """[time], of the model's rate."""
        where = f"column {column!r}, row {row}"
        rate = self.sampling_rate
        if isinstance(sound, (str, os.PathLike)):
            samples, rate = _read(where, os.fspath(sound))
        elif isinstance(sound, Mapping) and {"array", "sampling_rate"} <= set(sound):
            samples, rate = array_of(sound["array"]), int(sound["sampling_rate"])
        else:
            samples = array_of(sound)
        if samples.dtype.kind != "f" or samples.ndim not in (1, 2) or len(samples) == 0:
            raise UsageError(
                f"{where}: found {samples.dtype} {list(samples.shape)}, expected floating numbers "
                "[time] or [time, channels]"
            )
        if samples.ndim == 2:
            samples = samples.mean(axis=1)
        samples = samples.astype(np.float32, copy=False)
        if rate != self.sampling_rate:
            samples = needed("soxr", "audio").resample(samples, rate, self.sampling_rate)
        if self.max_seconds is not None:
            samples = samples[: int(self.max_seconds * self.sampling_rate)]
        if self.normalize:
            samples = (samples - samples.mean()) / np.sqrt(samples.var() + _EPSILON)
        waveform: Array = samples
        return waveform


def _is_sound(column: Array) -> bool:
    if column.dtype.kind != "O" or column.ndim != 1 or len(column) == 0:
        return is_text(column)
    return isinstance(column[0], (str, os.PathLike, np.ndarray, list, Mapping))


def _read(where: str, path: str) -> tuple[Array, int]:
    if not os.path.exists(path):
        raise NoInputError(f"{where}: {path!r}: no such file")
    soundfile = needed("soundfile", "audio")
    try:
        samples, rate = soundfile.read(path, dtype="float32")
    except soundfile.LibsndfileError as error:
        found = error.error_string
        raise DataError(f"{where}: {path!r}: found {found}, expected a sound") from None
    return samples, rate
