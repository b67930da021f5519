"""What `strop study` does not measure: signals through depth, gradients against differences, the
range test, and the loss around weights."""

import csv
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import strop
from laboratory import SCALING, Laboratory, lines, rounded

SEEDS = 10
DEPTH = 20


def forward_propagation(laboratory: Laboratory) -> dict[str, Any]:
    """How large the signal is behind each layer, by initialization, before training."""
    kinds = ("he", "xavier", "normal")
    curves = {}
    for kind in kinds:
        by_seed = []
        for seed in range(SEEDS):
            size = ("--input", 64, "--classes", 10, "--depth", DEPTH, "--width", 64)
            given = ("--initialization", kind, "--seed", seed)
            laboratory.run("new", "mlp", *size, *given, "-o", "deep.onnx")
            step = ("--batch-size", "full", "--epochs", 1, "--keep", 0)
            run = f"signal-{kind}-{seed}"
            to = ("--run-directory", run, "-o", "moved.onnx")
            laboratory.run("train", "deep.onnx", "--data", "digits.csv", *SCALING, *step, *to)
            by_seed.append(_deviations(laboratory, run))
        curves[kind] = np.median(by_seed, axis=0)
    rows = [
        [kind, *(f"{curve[i]:.3g}" for i in (0, 4, 9, DEPTH - 1))] for kind, curve in curves.items()
    ]
    shrink = {kind: (curve[-1] / curve[0]) ** (1 / (DEPTH - 1)) for kind, curve in curves.items()}
    for row in rows:
        row.append(f"{shrink[row[0]]:.3f}")
    layers = list(range(1, DEPTH + 1))
    return {
        "about": laboratory.about(SEEDS, laboratory.commands[:2]),
        "setting": f"the UCI digits: perceptrons of {DEPTH} hidden layers of 64, ReLU; all samples "
        f"at once, before training; the median of {SEEDS} seeds",
        "table": {
            "header": ["initialization", "layer 1", "layer 5", "layer 10", "layer 20", "a layer"],
            "rows": rows,
        },
        "charts": [
            lines(
                "signal",
                "Standard deviation of z by layer",
                {"title": "layer"},
                {"title": "standard deviation", "log": True},
                [{"name": k, "x": layers, "y": list(map(float, c))} for k, c in curves.items()],
            )
        ],
    }


def _deviations(laboratory: Laboratory, run: str) -> list[float]:
    with open(laboratory.folder / run / "scalars.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["step"] == "1"]
    found = {row["tag"]: float(row["value"]) for row in rows}
    return [found[f"activation_deviation/hidden.{layer}.linear"] for layer in range(DEPTH)]


def backpropagation(laboratory: Laboratory) -> dict[str, Any]:
    """The gradient against central differences, and what a step costs."""
    steps = 10.0 ** np.arange(-10, 0.01, 0.5)
    size = ("--input", 64, "--classes", 10, "--depth", 3, "--width", 32, "--activation", "tanh")
    series, rows = [], []
    for precision, name in (("f64", "float64"), ("f32", "float32")):
        errors = []
        for seed in range(SEEDS):
            laboratory.run("new", "mlp", *size, "--seed", seed, "-o", "smooth.onnx")
            path = laboratory.folder / "smooth.onnx"
            errors.append(_errors_of_differences(str(path), precision, seed, steps))
        middle = np.median(errors, axis=0)
        best = int(np.argmin(middle))
        rows.append([name, f"{steps[best]:.1g}", f"{middle[best]:.1e}"])
        series.append({"name": name, "x": steps.tolist(), "y": middle.tolist()})
    laboratory.run("new", "mlp", *size, "--seed", 0, "-o", "smooth.onnx")
    check = laboratory.run("check", "smooth.onnx", "--json")
    worst = max(json.loads(line)["relative_error"] for line in check.splitlines())
    return {
        "about": laboratory.about(SEEDS, [laboratory.commands[0], "strop check smooth.onnx"]),
        "setting": "perceptrons of three hidden layers of 32, tanh, on random inputs: the slope of "
        "the summed outputs along a random direction of all weights, by `gradient` and by "
        f"central differences of `run`; the median of {SEEDS} seeds",
        "table": {"header": ["numbers", "best step h", "error there"], "rows": rows},
        "check": f"{worst:.1e}",
        "cost": _costs(laboratory),
        "charts": [
            lines(
                "differences",
                "Error of the central difference",
                {"title": "step h", "log": True},
                {"title": "relative error", "log": True},
                series,
            )
        ],
    }


def _errors_of_differences(path: str, precision: str, seed: int, steps: np.ndarray) -> list[float]:
    model = strop.load(path, precision=precision, threads=1)
    random = np.random.default_rng(seed)
    x = random.normal(size=(8, 64)).astype("float64" if precision == "f64" else "float32")
    weights = {each.name: model.read_parameter(each.name).copy() for each in model.parameters}
    direction = {name: random.normal(size=w.shape) for name, w in weights.items()}
    length = np.sqrt(sum(np.sum(d**2) for d in direction.values()))
    gradient = model.gradient(x, wrt=list(weights))
    slope = sum(np.sum(gradient[n].astype(float) * direction[n]) for n in weights) / length

    def total(step: float) -> float:
        for name, weight in weights.items():
            moved = weight + step / length * direction[name]
            model.write_parameter(name, moved.astype(weight.dtype))
        return float(np.sum(model.run(x)["logits"].astype(float)))

    differences = [(total(h) - total(-h)) / (2 * h) for h in steps]
    return [abs(each - slope) / abs(slope) for each in differences]


def _costs(laboratory: Laboratory) -> list[dict[str, str]]:
    """A step of gradient descent against a forward pass: the least of 600 times, ten in a row,
    so that weights lie in the cache for both."""
    found = []
    for words, shape in (
        (("mlp", "--input", 64, "--width", 256, "--depth", 4, "--activation", "tanh"), (256, 64)),
        (("lenet5", "--input", "1x28x28"), (64, 1, 28, 28)),
    ):
        laboratory.run("new", *words, "--classes", 10, "-o", "cost.onnx")
        model = strop.load(str(laboratory.folder / "cost.onnx"), threads=1)
        x = np.random.default_rng(0).random(shape).astype("float32")
        y = np.arange(shape[0]) % 10
        trainer = strop.Trainer(model, optimizer="sgd", learning_rate=1e-6)
        step, forward = [], []
        for _ in range(60):
            forward += _times(lambda m=model, x=x: m.run(x))
            step += _times(lambda t=trainer, x=x, y=y: t.step(x, y))
        found.append(
            {
                "model": words[0],
                "forward_ms": f"{1e3 * min(forward):.1f}",
                "step_ms": f"{1e3 * min(step):.1f}",
                "ratio": f"{min(step) / min(forward):.1f}",
            }
        )
    return found


def _times(work: Callable[[], object]) -> list[float]:
    found = []
    for _ in range(10):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return found


def range_test(laboratory: Laboratory) -> dict[str, Any]:
    """`strop find-learning-rate` on the network of the study."""
    size = ("--input", 64, "--classes", 10, "--depth", 2, "--width", 64)
    laboratory.run("new", "mlp", *size, "--seed", 0, "-o", "mlp.onnx")
    series, rows = [], []
    for optimizer in ("sgd", "momentum", "adam"):
        words = ("--data", "digits.csv", *SCALING, "--optimizer", optimizer)
        found = laboratory.json("find-learning-rate", "mlp.onnx", *words)
        curve = found["curve"]
        rates = [point["learning_rate"] for point in curve]
        losses = [point["smoothed_loss"] for point in curve]
        rows.append([optimizer, *(f"{found[k]:.2g}" for k in ("steep", "valley", "suggestion"))])
        series.append({"name": optimizer, "x": rates, "y": losses})
    return {
        "about": laboratory.about(1),
        "setting": "the UCI digits: a perceptron of two hidden layers of 64, ReLU; one step at "
        "each of 100 rates from 1e-07 to 10, seed 0",
        "table": {"header": ["optimizer", "steepest", "valley", "suggested"], "rows": rows},
        "charts": [
            lines(
                "range-test",
                "Smoothed loss as the rate grows",
                {"title": "learning rate", "log": True},
                {"title": "loss", "range": [0, 4]},
                series,
            )
        ],
    }


def landscape(laboratory: Laboratory) -> dict[str, Any]:
    """The plane through the weights that two trainings went through."""
    size = ("--input", 64, "--classes", 10, "--depth", 2, "--width", 64)
    laboratory.run("new", "mlp", *size, "--seed", 1, "-o", "mlp.onnx")
    runs = []
    for optimizer, rate in (("sgd", 0.3), ("adam", 0.003)):
        words = ("--optimizer", optimizer, "--learning-rate", rate, "--epochs", 10)
        kept = ("--run-directory", optimizer, "--checkpoint-every", 15, "--keep", 60)
        given = ("--data", "digits.csv", *SCALING, *words, *kept, "-o", f"{optimizer}.onnx")
        laboratory.run("train", "mlp.onnx", *given)
        runs += ["--run-directory", optimizer]
    words = ("--data", "digits.csv", *SCALING, "--samples", "full", "-o", "plane.html")
    found = laboratory.json("landscape", "sgd.onnx", *runs, *words)
    grid = np.load(laboratory.folder / "plane.npz")
    paths = [
        {
            "name": path["name"],
            "x": [point["x"] for point in path["points"]],
            "y": [point["y"] for point in path["points"]],
            "losses": [point["loss"] for point in path["points"]],
        }
        for path in found["paths"]
    ]
    return {
        "about": laboratory.about(1),
        "setting": "the UCI digits: a perceptron of two hidden layers of 64, ReLU, trained twice "
        "from the same weights; the plane that holds most of both paths, losses over all samples",
        "explained": [f"{100 * share:.0f} %" for share in found["explained"]],
        "ends": {path["name"]: f"{path['losses'][-1]:.3f}" for path in paths},
        "charts": [
            rounded(
                {
                    "name": "paths",
                    "kind": "plane",
                    "title": "Two trainings on the loss",
                    "x": {"title": "first principal direction"},
                    "y": {"title": "second principal direction"},
                    "columns": grid["x"].tolist(),
                    "rows": grid["y"].tolist(),
                    "values": grid["loss"].tolist(),
                    "paths": paths,
                },
                3,
            )
        ],
    }


def sharpness(laboratory: Laboratory) -> dict[str, Any]:
    """How fast the loss grows around minima that were found in different ways."""
    ways = {
        "batches of 16": ("--batch-size", 16),
        "batches of 256": ("--batch-size", 256),
        "batches of 16, SAM": ("--batch-size", 16, "--sam-rho", 0.05),
    }
    series, rows = [], []
    for name, words in ways.items():
        rings, numbers = [], []
        for seed in range(SEEDS):
            radius, losses, validation = _ring(laboratory, words, seed)
            rings.append(losses)
            numbers.append(validation)
        middle = np.mean(rings, axis=0)
        accuracy = [each["accuracy"] for each in numbers]
        at_half = [ring[int(np.argmin(np.abs(radius - 0.5)))] for ring in rings]
        rows.append(
            [
                name,
                f"{middle[0]:.4f}",
                f"{np.mean(at_half):.2f} ± {np.std(at_half, ddof=1):.2f}",
                f"{100 * np.mean(accuracy):.1f} % ± {100 * np.std(accuracy, ddof=1):.1f}",
            ]
        )
        series.append({"name": name, "x": radius.tolist(), "y": middle.tolist()})
    return {
        "about": laboratory.about(SEEDS, laboratory.commands[:4]),
        "setting": "the UCI digits: perceptrons of two hidden layers of 64, ReLU; Adam at 0.001, "
        f"40 epochs, {SEEDS} seeds; 21 × 21 points of a plane of two random directions, each "
        "tensor's as long as its weights, mean loss of the training samples by distance",
        "table": {
            "header": ["trained in", "loss", "loss at distance 0.5", "validation accuracy"],
            "rows": rows,
        },
        "charts": [
            lines(
                "around-minima",
                "Mean loss by distance from the weights",
                {"title": "distance, in lengths of the weights"},
                {"title": "loss", "log": True},
                series,
            )
        ],
    }


def _ring(
    laboratory: Laboratory, words: tuple, seed: int
) -> tuple[np.ndarray, np.ndarray, dict[str, float]]:
    size = ("--input", 64, "--classes", 10, "--depth", 2, "--width", 64, "--seed", seed)
    laboratory.run("new", "mlp", *size, "-o", "mlp.onnx")
    given = ("--data", "train.csv", *SCALING, "--optimizer", "adam", *words, "--epochs", 40)
    laboratory.run("train", "mlp.onnx", *given, "--seed", seed, "-o", "minimum.onnx")
    held_out = ("--data", "held_out.csv", *SCALING, "--metric", "accuracy")
    validation = laboratory.json("evaluate", "minimum.onnx", *held_out)
    measured = ("--samples", "full", "--resolution", 21, "--seed", seed, "-o", "ring.html")
    (laboratory.folder / "ring.npz").unlink(missing_ok=True)
    laboratory.json("landscape", "minimum.onnx", "--data", "train.csv", *SCALING, *measured)
    grid = np.load(laboratory.folder / "ring.npz")
    distances = np.hypot(*np.meshgrid(grid["x"], grid["y"]))
    bins = np.linspace(0, 1, 11)
    nearest = np.abs(distances[..., None] - bins).argmin(axis=-1)
    inside = distances <= 1.05
    losses = [grid["loss"][inside & (nearest == i)].mean() for i in range(len(bins))]
    return bins, np.array(losses), validation


EXPERIMENTS: dict[str, Callable[[Laboratory], dict[str, Any]]] = {
    "forward-propagation": forward_propagation,
    "backpropagation": backpropagation,
    "range-test": range_test,
    "landscape": landscape,
    "sharpness": sharpness,
}
