"""The example of docs/python.md, run as it stands: its file is that of the program's command."""

import gzip
import os
import pathlib
import re
import shlex
import unittest

import numpy
import pandas
import strop
from program import ProgramTest, run

ROOT = pathlib.Path(__file__).parents[2]
DIGITS = ROOT / "models/data/digits.csv.gz"


class PageTest(ProgramTest):
    def test_the_example_is_the_command_beside_it(self) -> None:
        page = (ROOT / "docs/python.md").read_text()
        example, *others = re.findall(r"```python\n(.*?)```", page, re.S)
        [command] = re.findall(r"^    strop (train .*?[^\\])$", page, re.M | re.S)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)
        pathlib.Path("digits.csv").write_bytes(gzip.decompress(DIGITS.read_bytes()))
        size = ("--input", 64, "--classes", 10, "--width", 32, "--seed", 1)
        self.run_well("new", "mlp", *size, "-o", "digits.onnx")
        known = {"numpy": numpy, "pandas": pandas, "strop": strop}
        exec(example, known)
        ours = pathlib.Path("tuned.onnx").read_bytes()
        for other in others:
            exec(other, known)
        pathlib.Path("tuned.onnx").unlink()
        done = run(*shlex.split(command.replace("\\\n", " ")))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(ours, pathlib.Path("tuned.onnx").read_bytes())
        readme = (ROOT / "README.md").read_text()
        self.assertIn(example, re.sub("^    ", "", readme, flags=re.M))


if __name__ == "__main__":
    unittest.main()
