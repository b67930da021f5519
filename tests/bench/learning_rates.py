"""Is the suggested learning rate a good one? Trains a task with it and with a grid of rates.

    scripts/quickstart      # prepares the model and the pictures in build/quickstart
    python tests/bench/learning_rates.py build/release/strop [--task NAME] [--short]

quickstart is the quickstart's own task: every rate gets its eight passes, the last two at a tenth
of the rate, from the same seeds. --short makes it three passes, the last at a tenth. The other
tasks are small networks of `strop new` on scikit-learn's digits, and a noisy regression. Fails when
the suggestion is more than a point below the best of the grid: of accuracy, or of R².
"""

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

WORK = Path("build/quickstart")
GRID = [1e-5, 3.16e-5, 1e-4, 3.16e-4, 1e-3, 3.16e-3, 1e-2, 3.16e-2, 1e-1]
ALLOWED = 0.01


@dataclass
class Task:
    """What is trained on what, and how it is measured; the paths are in a folder of its own."""

    model: Path
    training: Path
    test: Path
    step: list[str]
    run: list[str]
    data: list[str]
    loss: str
    metric: str = "accuracy"


def run(*command: object) -> str:
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode == 65 and "diverged" in done.stderr:
        return ""
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)}: {done.stderr}")
    return done.stdout


def schedule(epochs: int, decay_at: int) -> list[str]:
    decay = ["--schedule", "multi_step", "--milestones", str(decay_at), "--gamma", "0.1"]
    return ["--epochs", str(epochs), *decay]


def quickstart(is_short: bool) -> Task:
    step = ["--replace-head", "10", "--batch-norm", "train", "--optimizer", "adamw"]
    return Task(
        model=WORK / "text_direction.onnx",
        training=WORK / "digits/train",
        test=WORK / "digits/test",
        step=[*step, "--batch-size", "32"],
        run=schedule(3, 2) if is_short else schedule(8, 6),
        data=["--pad", "48x192", "--mean", "0.5", "--std", "0.5"],
        loss="cross_entropy",
    )


def digits(strop: str, folder: Path, network: list[str], optimizer: list[str]) -> Task:
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    images = (images / 16).astype(np.float32)
    if network[0] == "lenet5":
        large = images.reshape(-1, 1, 8, 8).repeat(3, axis=2).repeat(3, axis=3)
        images = np.pad(large, ((0, 0), (0, 0), (2, 2), (2, 2)))
    order = np.random.default_rng(0).permutation(len(labels))
    for name, rows in (("train", order[360:]), ("test", order[:360])):
        np.savez(folder / f"{name}.npz", x=images[rows], target=labels[rows])
    run(strop, "new", *network, "-o", folder / "model.onnx", "--seed", 1)
    return Task(
        model=folder / "model.onnx",
        training=folder / "train.npz",
        test=folder / "test.npz",
        step=["--optimizer", *optimizer, "--batch-size", "32"],
        run=schedule(8, 6),
        data=[],
        loss="cross_entropy",
    )


def regression(strop: str, folder: Path) -> Task:
    """Half of the target's variance is noise, and batches are small."""
    random = np.random.default_rng(0)
    x = random.normal(size=(2400, 20)).astype(np.float32)
    clean = np.tanh(x[:, :5].sum(1)) + 0.5 * x[:, 5]
    y = (clean + random.normal(size=len(x)) * clean.std()).astype(np.float32)[:, None]
    np.savez(folder / "train.npz", x=x[:2000], target=y[:2000])
    np.savez(folder / "test.npz", x=x[2000:], target=y[2000:])
    network = ["mlp", "--input", "20", "--classes", "1", "--width", "64"]
    run(strop, "new", *network, "-o", folder / "model.onnx", "--seed", 1)
    return Task(
        model=folder / "model.onnx",
        training=folder / "train.npz",
        test=folder / "test.npz",
        step=["--optimizer", "momentum", "--batch-size", "8"],
        run=schedule(8, 6),
        data=[],
        loss="mse",
        metric="r2",
    )


def make_task(name: str, is_short: bool, strop: str, folder: Path) -> Task:
    if name == "quickstart":
        return quickstart(is_short)
    if name == "mlp":
        return digits(strop, folder, ["mlp", "--input", "64", "--classes", "10"], ["sgd"])
    if name == "lenet":
        return digits(strop, folder, ["lenet5", "--input", "1x28x28", "--classes", "10"], ["adam"])
    return regression(strop, folder)


def quality(strop: str, task: Task, rate: float, folder: Path) -> float:
    output = folder / "trained.onnx"
    output.unlink(missing_ok=True)
    train = [strop, "train", task.model, "--data", task.training, *task.step, *task.data]
    train += ["--seed", "1", "--loss", task.loss, "--learning-rate", f"{rate:g}", *task.run]
    run(*train, "-o", output)
    if not output.exists():
        return float("nan")
    measure = ["--loss", task.loss, "--metric", task.metric, "--json"]
    found = json.loads(run(strop, "evaluate", output, "--data", task.test, *task.data, *measure))
    return found[task.metric]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("strop")
    parser.add_argument(
        "--task", choices=("quickstart", "mlp", "lenet", "regression"), default="quickstart"
    )
    parser.add_argument("--short", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        task = make_task(arguments.task, arguments.short, arguments.strop, folder)
        find = [arguments.strop, "find-learning-rate", task.model, "--data", task.training]
        find += [*task.step, *task.data, "--seed", "1", "--loss", task.loss, "--json"]
        found = json.loads(run(*find))
        measured = {}
        for way in ("valley", "steep", "minimum"):
            measured[way] = quality(arguments.strop, task, found[way], folder)
            print(f"{way:10} {found[way]:8.3g}  {task.metric} {measured[way]:.4f}", flush=True)
        best = 0.0
        for rate in GRID:
            reached = quality(arguments.strop, task, rate, folder)
            best = max(best, reached)
            print(f"grid       {rate:8.3g}  {task.metric} {reached:.4f}", flush=True)
    reached = measured["valley"]
    verdict = "within" if reached >= best - ALLOWED else "not within"
    print(f"the suggestion is {verdict} a point of the best: {reached:.4f} of {best:.4f}")
    sys.exit(reached < best - ALLOWED)


if __name__ == "__main__":
    main()
