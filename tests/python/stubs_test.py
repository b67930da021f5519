"""What type checkers and editors know of the package holds, say mypy and stubtest."""

import os
import pathlib
import re
import subprocess
import sys
import typing
import unittest

import numpy as np
import strop
from program import ProgramTest, linear_model
from strop import _strop, records

HERE = pathlib.Path(__file__).parent
PACKAGE = pathlib.Path(strop.__file__).parent  # as it is built, what is made for it too
SETTINGS = HERE.parents[1] / "pyproject.toml"


class StubsTest(ProgramTest):
    def run_tool(self, *words: object) -> tuple[int, str]:
        environment = os.environ | {"MYPYPATH": str(PACKAGE.parent)}
        command = [sys.executable, "-m", *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        return done.returncode, done.stdout + done.stderr

    def test_mypy_finds_what_is_wrong_and_nothing_else(self) -> None:
        uses = HERE / "typed_uses.py"
        cache = self.path("cache")
        options = ("--strict", "--config-file", SETTINGS, "--cache-dir", cache)
        status, found = self.run_tool("mypy", *options, "-p", "strop")
        self.assertEqual(status, 0, found)
        lines = enumerate(uses.read_text().splitlines(), 1)
        expected = {n: line.partition("# E: ")[2] for n, line in lines if "# E: " in line}
        self.assertGreater(len(expected), 20)
        _, found = self.run_tool("mypy", *options, uses)
        errors = re.findall(r"^.*typed_uses\.py:(\d+): error: (.*)$", found, re.M)
        self.assertEqual([int(number) for number, _ in errors], list(expected), found)
        for number, words in errors:
            self.assertIn(expected[int(number)], words, f"line {number}")

    def test_the_stubs_are_the_module_s(self) -> None:
        self.assertTrue((PACKAGE / "py.typed").is_file())
        allowed = HERE / "stubtest_allowlist.txt"
        options = ("--mypy-config-file", SETTINGS, "--allowlist", allowed, "--concise")
        status, found = self.run_tool("mypy.stubtest", "strop", *options)
        self.assertEqual(status, 0, found)

    def test_records_are_those_of_a_run(self) -> None:
        data = {"x": np.ones((4, 4), np.float32), "target": np.arange(4) % 3}
        model = _strop.Model.load_bytes(linear_model().SerializeToString())
        trainer = _strop.Trainer.make(model, _strop.Data.arrays(data), None, [])
        steps, epochs = [], []
        result = trainer.fit(on_step=steps.append, on_epoch=epochs.append)
        for found, kind in (
            (steps[0], records.StepRecord),
            (epochs[0], records.EpochRecord),
            (result, records.ResultRecord),
        ):
            expected = {n: typing.get_origin(t) or t for n, t in kind.__annotations__.items()}
            self.assertEqual({name: type(value) for name, value in found.items()}, expected)


if __name__ == "__main__":
    unittest.main()
