"""Every command as the program lists it, with arguments that run it in little time."""

import json
import pathlib
import subprocess

import numpy as np
import onnx
from onnx.external_data_helper import convert_model_to_external_data
from PIL import Image
from program import PROGRAM, linear_model, run

# What a command needs besides files, and what makes it quick. A new command that needs something
# fails the tests until it is told here.
ARGUMENTS = {
    "benchmark": ["--batch-size", "4", "--steps", "1"],
    "find-learning-rate": ["--steps", "20", "--batch-size", "16"],
    "landscape": ["--resolution", "2"],
    "new": ["mlp", "--input", "4", "--classes", "3", "--dry-run"],
    "study": ["losses", "--seeds", "1"],
    "tune": ["--search", "learning-rate=0.1", "--trials", "1", "--jobs", "1", "--threads", "1"],
}
# Files that a command needs although each option for itself is none that it cannot do without.
NEEDED = {"run": ["--inputs"]}


def listed() -> dict[str, list[dict]]:
    """The options of every command."""
    text = subprocess.run([PROGRAM, "--list-options"], capture_output=True, check=True).stdout
    return {command["command"]: command["options"] for command in json.loads(text)}


class Files:
    """A file or folder for every role that a path can have, in `folder`."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        random = np.random.default_rng(0)
        x = random.normal(size=(48, 4)).astype(np.float32)
        self.model = folder / "model.onnx"
        self.model.write_bytes(linear_model().SerializeToString())
        self.data = folder / "data.npz"
        np.savez(self.data, x=x, target=x[:, :3].argmax(axis=1))
        self.inputs = folder / "inputs.npz"
        np.savez(self.inputs, x=x)
        self.text = folder / "options.toml"
        self.text.write_text("# nothing\n")
        self.run = folder / "run"
        done = run("train", self.model, "--data", self.data, "--run-directory", self.run,
                   "-o", folder / "trained.onnx")  # fmt: skip
        assert done.returncode == 0, done.stderr

    def save_split_model(self) -> pathlib.Path:
        """A model whose weights lie in weights.bin beside it."""
        path = self.folder / "split" / "model.onnx"
        path.parent.mkdir(exist_ok=True)
        model = linear_model()
        convert_model_to_external_data(model, location="weights.bin", size_threshold=0)
        onnx.save_model(model, path)
        return path

    def save_images(self) -> pathlib.Path:
        root = self.folder / "images"
        for name in ("cat", "dog"):
            (root / name).mkdir(parents=True, exist_ok=True)
            Image.new("L", (2, 2)).save(root / name / "1.png")
        return root

    def path_of(self, role: str, output: str) -> pathlib.Path:
        """What is there to be read in a role; a new name for what is written."""
        there = {
            "model": self.model,
            "input file": self.text,
            "data": self.data,
            "run that is read": self.run,
        }
        return there.get(role, self.folder / output)

    def arguments(self, command: str, options: list[dict], without: tuple[str, ...] = ()) -> list:
        """What the command cannot do without, but for the options named."""
        arguments: list = [command]
        for option in options:
            is_needed = option["required"] or option["name"] in NEEDED.get(command, [])
            if not is_needed or option["path"] is None or option["name"] in without:
                continue
            role = option["path"]["role"]
            output = "output" + option["name"].strip("-")
            path = self.inputs if role == "input file" else self.path_of(role, output)
            arguments += [path] if option["positional"] else [option["name"], path]
        return [*arguments, *ARGUMENTS.get(command, [])]
