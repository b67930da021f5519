"""Keyword arguments are the table's rows, and the types hold."""

import ast
import inspect
import json
import os
import pathlib
import re
import subprocess
import sys
import unittest
from unittest import mock

import strop
from program import ProgramTest, linear_model, run
from strop import _strop, options

PACKAGE = pathlib.Path(__file__).parents[2] / "python/strop"
# What a trainer's signature leaves to the model, to the calls and to the command line.
ELSEWHERE = {
    *("MODEL", "json", "dump", "dry-run", "precision", "train", "train-only", "freeze"),
    *("replace-head", "head-at", "lora", "lora-rank", "lora-alpha", "lora-dropout"),
    *("lora-rslora", "quantize", "quantize-exclude", "no-fold-batch-normalization"),
}
TYPED_PROGRAM = """
import numpy as np

import strop

model: strop.Model = strop.load("model.onnx", seed=1)
history: strop.History = strop.Trainer(model, epochs=2).fit(np.zeros((2, 4)), np.zeros(2))
losses: list[float] = history.history["loss"]
best: int | None = history.best_epoch
wrong: str = model.run(np.zeros((2, 4)))
"""


class OptionsTest(ProgramTest):
    def test_signatures_and_docstrings_have_every_row(self) -> None:
        listed = json.loads(run("--list-options").stdout)
        [rows] = [entry["options"] for entry in listed if entry["command"] == "train"]
        shown = set(inspect.signature(strop.Trainer).parameters)
        loading = set(inspect.signature(strop.load).parameters)
        self.assertRegex(strop.Trainer.__doc__, "^Trains a model")
        self.assertRegex(strop.load.__doc__, "^A model from a path")
        for row in rows:
            name = row["long_name"].lstrip("-")
            keyword = name.replace("-", "_")
            self.assertEqual(keyword in shown, name not in ELSEWHERE, name)
            documented = strop.load.__doc__ if keyword in loading else strop.Trainer.__doc__
            if keyword in shown | loading:
                self.assertIn(f"{keyword}: ", documented)
                self.assertIn(row["help"], documented)
        ours = ELSEWHERE - {"MODEL", "json", "dump", "dry-run"} | {"seed", "threads"}
        self.assertLessEqual({name.replace("-", "_") for name in ours}, loading)

    def test_a_new_row_appears_by_itself(self) -> None:
        listed = json.loads(_strop.list_options())
        [train] = [entry for entry in listed if entry["command"] == "train"]
        [row] = [row for row in train["options"] if row["name"] == "--label-smoothing"]
        train["options"].append(row | {"name": "--new-one", "long_name": "--new-one"})
        options.rows_of.cache_clear()
        self.addCleanup(options.rows_of.cache_clear)
        with mock.patch.object(_strop, "list_options", return_value=json.dumps(listed)):
            self.assertEqual(options.pairs_of("train", {"new_one": 1}), [("new-one", "1")])
            self.assertIn("new_one", [option.keyword for option in options.trainer_options()])

    def test_values_become_the_texts_of_the_command_line(self) -> None:
        for keyword, value, texts in (
            ("learning_rate", 1e-3, ["0.001"]),
            ("learning_rate", 0.1 + 0.2, ["0.30000000000000004"]),
            ("epochs", 3, ["3"]),
            ("nesterov", True, [None]),
            ("nesterov", False, []),
            ("seed", None, []),
            ("metric", ["accuracy", "f1_macro"], ["accuracy", "f1_macro"]),
            ("metric", "accuracy,f1_macro", ["accuracy,f1_macro"]),
            ("milestones", range(3), ["0", "1", "2"]),
            ("resize", (32, 24), ["32x24"]),
            ("random_resized_crop", [0.08, 1], ["0.08,1"]),
            ("dropout", True, ["on"]),
            ("dropout", 0.5, ["0.5"]),
            ("output", pathlib.Path("a/b.onnx"), ["a/b.onnx"]),
        ):
            with self.subTest(keyword=keyword, value=value):
                name = keyword.replace("_", "-")
                expected = [(name, text) for text in texts]
                self.assertEqual(options.pairs_of("train", {keyword: value}), expected)

    def test_the_library_takes_what_load_shows(self) -> None:
        path = self.save(linear_model(hidden=8))
        given = {"lora": "*", "lora_rank": 2, "precision": "f64", "threads": 1, "seed": 2}
        self.assertLessEqual(set(given), set(inspect.signature(strop.load).parameters))
        self.assertEqual(strop.load(path, **given).outputs[0].type, "float64")
        with self.assertRaisesRegex(TypeError, "did you mean 'lora_rank'"):
            strop.load(path, lora_ranks=2)
        with self.assertRaisesRegex(ValueError, "f16"):
            strop.load(path, precision="f16")

    def test_types_hold(self) -> None:
        program = self.path("program.py")
        program.write_text(TYPED_PROGRAM)
        environment = os.environ | {"MYPYPATH": str(PACKAGE.parent)}
        done = subprocess.run(
            [sys.executable, "-m", "mypy", "--strict", "--cache-dir", self.path("cache")]
            + ["--config-file", PACKAGE.parents[1] / "pyproject.toml", PACKAGE, program],
            capture_output=True,
            text=True,
            env=environment,
        )
        errors = [line for line in done.stdout.splitlines() if ": error: " in line]
        self.assertEqual(len(errors), 1, done.stdout + done.stderr)
        self.assertRegex(errors[0], r"program.py:10: error: Incompatible types in assignment")

    def test_the_stub_names_what_the_module_has(self) -> None:
        stub = ast.parse((PACKAGE / "_strop.pyi").read_text())
        typed: dict[str, list[str]] = {}
        for node in stub.body:
            if isinstance(node, ast.FunctionDef):
                typed[node.name] = [argument.arg for argument in node.args.args]
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                for method in node.body:
                    typed[f"{node.name}.{method.name}"] = [a.arg for a in method.args.args]
        found: dict[str, list[str]] = {}
        for name, value in vars(_strop).items():
            if name.startswith("_"):
                continue
            owned = vars(value).items() if isinstance(value, type) else [("", value)]
            for method, function in owned:
                if not method.startswith("_"):
                    function = getattr(value, method) if method else function
                    words = re.sub(r"\\\d+", "...", function.__nb_signature__[0][0])
                    parsed = ast.parse(words + ": ...").body[0]
                    found[f"{name}.{method}".rstrip(".")] = [a.arg for a in parsed.args.args]
        self.assertEqual(found, typed)


if __name__ == "__main__":
    unittest.main()
