"""Every edge case: source × type × layout × form of target × class naming × batch × last batch.

A case says what the model's input and the labels are, so that an oracle can give the loss; or the
words that name why the data are refused.
"""

import dataclasses
import itertools
import pathlib
import zlib
from collections.abc import Callable, Iterator

import numpy as np
import sources
from targets import CLASS_NAMES, CLASSES, FORMS, TargetForm

import models

BATCH = 4
ROWS = {"whole": 8, "rest": 10}
PIXELS = (models.HEIGHT, models.WIDTH)
FORM = {form.name: form for form in FORMS}


@dataclasses.dataclass
class Written:
    data: str  # as --data takes it
    x: np.ndarray | None = None  # the model's input, [rows, …]; None where the data are refused
    truth: np.ndarray | None = None  # labels or numbers, as torch.nn.functional takes them
    refusal: str = ""  # words of the message
    options: tuple[str, ...] = ()


@dataclasses.dataclass
class Case:
    name: str
    loss: str
    sample: tuple[int, ...]  # of the model's input, without the batch
    batch: str  # dynamic or fixed
    rows: int
    write: Callable[[pathlib.Path], Written]


def seed(*parts: object) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32("/".join(map(str, parts)).encode()))


def batches() -> Iterator[tuple[str, str]]:
    return itertools.product(("dynamic", "fixed"), ROWS)


def fill(random: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Numbers that every type holds exactly, and that floating types need their fraction for."""
    if dtype == "bool":
        return random.integers(0, 2, shape).astype(bool)
    if dtype.startswith("uint"):
        return random.integers(0, 9, shape).astype(dtype)
    scale = 8 if dtype.startswith("float") else 1
    return (random.integers(-8, 9, shape) / scale).astype(dtype)


TABLE_TYPES = {
    "npz": "bool uint8 int8 uint16 int16 uint32 int32 uint64 int64 float16 float32 float64".split(),
    "npz_compressed": ["float32"],
    "npy": "bool uint8 int8 int16 int32 int64 float16 float32 float64".split(),
    "npy_fortran": ["int32", "float64"],
    "npy_big_endian": ["int16", "float64"],
    "idx": "uint8 int8 int16 int32 float32 float64".split(),
    "idx_gzip": ["uint8", "float32"],
    "csv": ["int64", "float64"],
}


def holds(source: str, target: np.ndarray) -> bool:
    """Whether that kind of file can say such targets at all."""
    if source.startswith("idx"):
        return target.dtype.name in sources.IDX_CODES
    return source != "csv" or target.reshape(len(target), -1).shape[1] == 1


def table_case(source: str, dtype: str, form: TargetForm, batch: str, last: str) -> Case:
    rows = ROWS[last]

    def write(folder: pathlib.Path) -> Written:
        random = seed("table", dtype, form.name, last)
        samples = fill(random, (rows, models.FEATURES), dtype)
        target, truth = form.make(random, rows)
        data = sources.ARRAYS[source](folder, samples, target)
        refusal = "big-endian" if source == "npy_big_endian" else form.refusal
        return Written(data, samples.astype(np.float64), truth, refusal)

    name = f"{source}-{dtype}-{form.name}-{batch}-{last}"
    return Case(name, form.loss, (models.FEATURES,), batch, rows, write)


def table_cases() -> Iterator[Case]:
    for source, dtypes in TABLE_TYPES.items():
        for form, (batch, last) in itertools.product(FORMS, batches()):
            if not holds(source, form.make(seed("form"), ROWS[last])[0]):
                continue
            # Every element type with two forms of target, every form with one element type.
            is_full = form.name in ("index_i64", "index_u8", "numbers_f32")
            for dtype in dtypes if is_full else dtypes[-1:]:
                yield table_case(source, dtype, form, batch, last)


def to_layout(pixels: np.ndarray, layout: str) -> np.ndarray:
    """From [rows, height, width, channels]."""
    return pixels.transpose(0, 3, 1, 2) if layout == "nchw" else pixels


def sample_shape(layout: str, channels: int) -> tuple[int, ...]:
    return (channels, *PIXELS) if layout == "nchw" else (*PIXELS, channels)


def picture_array_case(
    source: str, dtype: str, stored: str, layout: str, channels: int, form: TargetForm, last: str
) -> Case:
    rows = ROWS[last]

    def write(folder: pathlib.Path) -> Written:
        random = seed("pixels", channels, form.name, last)
        pixels = random.integers(0, 256, (rows, *PIXELS, channels))
        shown = to_layout(pixels, layout) / 255
        array = to_layout(pixels, stored) / (1 if dtype == "uint8" else 255)
        array = array.astype(dtype)
        if dtype != "uint8":
            shown = to_layout(pixels / 255, layout).astype(dtype).astype(np.float64)
        if source.startswith("idx") and channels == 1:
            array = array.reshape(rows, *PIXELS)
        target, truth = form.make(random, rows)
        data = sources.ARRAYS[source](folder, array, target)
        is_turned = dtype != "uint8" and stored != layout and channels > 1
        refusal = form.refusal or ("expected" if is_turned else "")
        return Written(data, shown, truth, refusal)

    name = f"{source}-{dtype}-{stored}-{layout}{channels}-{form.name}-{last}"
    return Case(name, form.loss, sample_shape(layout, channels), "dynamic", rows, write)


def picture_array_cases() -> Iterator[Case]:
    layouts = ("nchw", "nhwc")
    names = ("index_i64", "index_u8", "one_hot_f32", "binary_f32")
    forms = [FORM[name] for name in names]
    for source, dtype in itertools.product(("npz", "npy", "idx", "idx_gzip"), ("uint8", "float32")):
        for stored, layout, channels in itertools.product(layouts, layouts, (1, 3)):
            for form, last in itertools.product(forms, ROWS):
                if holds(source, form.make(seed("form"), ROWS[last])[0]):
                    yield picture_array_case(source, dtype, stored, layout, channels, form, last)


NAMINGS = ("all", "one_lacks", "one_lacks_named", "unknown")


def named(naming: str, truth: np.ndarray) -> tuple[np.ndarray, str, tuple[str, ...]]:
    """Labels of that naming, the refusal, the options."""
    if naming == "all":
        return truth, "", ()
    if naming == "unknown":
        return truth, "dogwood", ("--class-names", ",".join([*CLASS_NAMES[:3], "elm"]))
    truth = np.where(truth == 1, 3, truth)  # no birch
    if naming == "one_lacks":
        return truth, "--class-names", ()
    return truth, "", ("--class-names", ",".join(CLASS_NAMES))


def folder_case(kind: str, layout: str, naming: str, batch: str, last: str) -> Case:
    rows = ROWS[last]

    def write(folder: pathlib.Path) -> Written:
        random = seed("folder", naming, last)
        pixels = random.integers(0, 256, (rows, *PIXELS, 3)).astype(np.uint8)
        labels, refusal, options = named(naming, random.permutation(np.arange(rows) % CLASSES))
        data, shown, truth = sources.pictures(folder, kind, pixels, labels)
        return Written(data, to_layout(shown, layout) / 255, truth, refusal, options)

    name = f"folder-{kind}-{layout}-{naming}-{batch}-{last}"
    return Case(name, "cross_entropy", sample_shape(layout, 3), batch, rows, write)


def folder_cases() -> Iterator[Case]:
    for kind, layout in itertools.product(sources.PICTURES, ("nchw", "nhwc")):
        for naming, (batch, last) in itertools.product(NAMINGS, batches()):
            if kind == "png" or (naming == "all" and batch == "dynamic"):
                yield folder_case(kind, layout, naming, batch, last)


def text_case(naming: str, batch: str, last: str) -> Case:
    """A CSV whose labels are words."""
    rows = ROWS[last]

    def write(folder: pathlib.Path) -> Written:
        random = seed("text", naming, last)
        samples = fill(random, (rows, models.FEATURES), "float64")
        labels, refusal, options = named(naming, random.permutation(np.arange(rows) % CLASSES))
        words = np.array(CLASS_NAMES, dtype=object)[labels]
        return Written(sources.csv(folder, samples, words), samples, labels, refusal, options)

    name = f"csv-text-{naming}-{batch}-{last}"
    return Case(name, "cross_entropy", (models.FEATURES,), batch, rows, write)


def all_cases() -> Iterator[Case]:
    yield from table_cases()
    yield from picture_array_cases()
    yield from folder_cases()
    for naming, (batch, last) in itertools.product(NAMINGS, batches()):
        yield text_case(naming, batch, last)
