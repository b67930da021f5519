"""Keyword arguments are the table's rows, and the types hold."""

import fractions
import inspect
import json
import pathlib
import re
import unittest
from unittest import mock

import numpy as np
import strop
from program import ProgramTest, linear_model, run
from strop import _strop, option_rows, options

PACKAGE = pathlib.Path(__file__).parents[2] / "python/strop"
# What a trainer's signature leaves to the model, to the calls and to the command line.
ELSEWHERE = {
    *("MODEL", "json", "dump", "dry-run", "precision", "train", "train-only", "freeze"),
    *("replace-head", "head-at", "lora", "lora-rank", "lora-alpha", "lora-dropout"),
    *("lora-rslora", "quantize", "quantize-exclude", "no-fold-batch-normalization"),
}


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
        options.commands.cache_clear()
        self.addCleanup(options.commands.cache_clear)
        with mock.patch.object(_strop, "list_options", return_value=json.dumps(listed)):
            self.assertEqual(options.pairs_of("train", {"new_one": 1}), [("new-one", "1")])
            rows = options.rows_of("train").values()
            self.assertIn("new_one", [row.keyword for row in option_rows.trainer_options(rows)])

    def test_numbers_are_those_of_the_library(self) -> None:
        words = {"integer": "expected a whole number", "number": "expected a finite number"}
        seen = set()
        for name, command in options.commands().items():
            for row in command.rows.values():
                if row.kind in words:
                    seen.add(row.kind)
                    with self.assertRaisesRegex(ValueError, words[row.kind], msg=row.name):
                        _strop.perform(name, [(row.name, "x")])
        self.assertEqual(seen, set(words))

    def test_each_call_shows_what_the_library_takes_there(self) -> None:
        model = _strop.Model.load_bytes(linear_model().SerializeToString())
        content = linear_model().SerializeToString()
        for function, make in (
            (strop.load, lambda pairs: _strop.Model.load_bytes(content, pairs)),
            (strop.Trainer, lambda pairs: _strop.Trainer.make(model, None, None, pairs)),
            (strop.LossTrainer, lambda pairs: _strop.LossTrainer.make(model, pairs)),
            (strop.Model.save, lambda pairs: model.save(self.path("m.onnx"), pairs)),
        ):
            shown = set(inspect.signature(function).parameters)
            for keyword, row in options.rows_of("train").items():
                try:
                    make([(row.name, "\0")])  # which suits no option well
                    words = ""
                except Exception as error:
                    words = str(error)
                elsewhere = r"unknown option|found for a trainer|belongs to the command"
                is_known = not re.search(elsewhere, words)
                with self.subTest(function=function.__qualname__, keyword=keyword, words=words):
                    self.assertEqual(keyword in shown, is_known)

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
            ("lora", True, [None]),
            ("lora", False, []),
            ("epochs", np.int64(3), ["3"]),
            ("learning_rate", np.float32(0.5), ["0.5"]),
            ("learning_rate", fractions.Fraction(1, 4), ["0.25"]),
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


if __name__ == "__main__":
    unittest.main()
