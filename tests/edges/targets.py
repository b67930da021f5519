"""The forms in which labels and numbers come, and what the loss has to make of each."""

import dataclasses
from collections.abc import Callable

import numpy as np

CLASSES = 4
CLASS_NAMES = ("ash", "birch", "cedar", "dogwood")

# What torch.nn.functional takes in place of the stored array, or None where it must be refused.
Truth = np.ndarray | None


@dataclasses.dataclass(frozen=True)
class TargetForm:
    name: str
    loss: str
    # (random, samples) -> what is stored, what it means
    make: Callable[[np.random.Generator, int], tuple[np.ndarray, Truth]]
    refusal: str = ""  # the words that name the reason


def labels(random: np.random.Generator, count: int) -> np.ndarray:
    """All classes occur, in every batch of four."""
    rows = [random.permutation(CLASSES) for _ in range(-(-count // CLASSES))]
    return np.concatenate(rows)[:count]


def index(dtype: type, column: bool = False) -> Callable:
    def make(random: np.random.Generator, count: int) -> tuple[np.ndarray, Truth]:
        truth = labels(random, count)
        stored = truth.astype(dtype)
        return (stored[:, None] if column else stored), truth

    return make


def one_hot(dtype: type) -> Callable:
    def make(random: np.random.Generator, count: int) -> tuple[np.ndarray, Truth]:
        truth = labels(random, count)
        return np.eye(CLASSES)[truth].astype(dtype), truth

    return make


def probabilities(
    dtype: type, change: Callable[[np.ndarray], np.ndarray] | None = None
) -> Callable:
    def make(random: np.random.Generator, count: int) -> tuple[np.ndarray, Truth]:
        rows = random.integers(1, 9, (count, CLASSES)).astype(np.float64)
        rows = (rows / rows.sum(axis=1, keepdims=True)).astype(dtype)
        return (rows, rows) if change is None else (change(rows), None)

    return make


def spoiled(make: Callable, number: float) -> Callable:
    def spoil(random: np.random.Generator, count: int) -> tuple[np.ndarray, Truth]:
        stored = make(random, count)[0].copy()
        stored.flat[-1] = number
        return stored, None

    return spoil


def numbers(dtype: type, width: int, low: int = -4, high: int = 5) -> Callable:
    def make(random: np.random.Generator, count: int) -> tuple[np.ndarray, Truth]:
        stored = random.integers(low, high, (count, width)).astype(dtype)
        return stored, stored.astype(np.float64)

    return make


def wrong_width(random: np.random.Generator, count: int) -> tuple[np.ndarray, Truth]:
    return random.integers(-4, 5, (count, CLASSES + 1)).astype(np.float32), None


def multi_hot(random: np.random.Generator, count: int) -> tuple[np.ndarray, Truth]:
    stored = random.integers(0, 2, (count, CLASSES)).astype(np.float32)
    stored[-1] = 1
    return stored, None


FORMS = (
    TargetForm("index_i64", "cross_entropy", index(np.int64)),
    TargetForm("index_i32", "cross_entropy", index(np.int32)),
    TargetForm("index_u8", "cross_entropy", index(np.uint8)),
    TargetForm("index_i8_column", "cross_entropy", index(np.int8, column=True)),
    TargetForm("index_f32", "cross_entropy", index(np.float32)),
    TargetForm("index_f64_column", "cross_entropy", index(np.float64, column=True)),
    TargetForm("one_hot_f32", "cross_entropy", one_hot(np.float32)),
    TargetForm("one_hot_i64", "cross_entropy", one_hot(np.int64)),
    TargetForm("one_hot_u8", "cross_entropy", one_hot(np.uint8)),
    TargetForm("soft_f32", "cross_entropy", probabilities(np.float32)),
    TargetForm("soft_f64", "cross_entropy", probabilities(np.float64)),
    TargetForm("soft_f16", "cross_entropy", probabilities(np.float16)),
    TargetForm(
        "soft_not_one",
        "cross_entropy",
        probabilities(np.float32, lambda rows: rows * 1.01),
        "add up to 1.01",
    ),
    TargetForm(
        "soft_negative",
        "cross_entropy",
        probabilities(np.float32, lambda rows: rows * 2 - 0.25),
        "probabilit",
    ),
    TargetForm("multi_hot", "cross_entropy", multi_hot, "binary_cross_entropy"),
    TargetForm(
        "index_too_large",
        "cross_entropy",
        spoiled(index(np.int64), CLASSES),
        "found 4, expected a class",
    ),
    TargetForm(
        "index_negative",
        "cross_entropy",
        spoiled(index(np.int64), -1),
        "found -1, expected a class",
    ),
    TargetForm("index_half", "cross_entropy", spoiled(index(np.float32), 0.5), "found 0.5"),
    TargetForm("index_nan", "cross_entropy", spoiled(index(np.float32), np.nan), "found nan"),
    TargetForm("binary_u8", "binary_cross_entropy", numbers(np.uint8, CLASSES, 0, 2)),
    TargetForm("binary_f32", "binary_cross_entropy", numbers(np.float32, CLASSES, 0, 2)),
    TargetForm("binary_bool", "binary_cross_entropy", numbers(np.bool_, CLASSES, 0, 2)),
    TargetForm(
        "binary_two",
        "binary_cross_entropy",
        spoiled(numbers(np.float32, CLASSES, 0, 2), 2),
        "found 2",
    ),
    TargetForm("numbers_f32", "mse", numbers(np.float32, CLASSES)),
    TargetForm("numbers_f64", "l1", numbers(np.float64, CLASSES)),
    TargetForm("numbers_f16", "huber", numbers(np.float16, CLASSES)),
    TargetForm("numbers_i32", "mse", numbers(np.int32, CLASSES)),
    TargetForm("numbers_wide", "mse", wrong_width, "expected"),
    TargetForm(
        "numbers_infinite", "mse", spoiled(numbers(np.float32, CLASSES), np.inf), "found inf"
    ),
)
