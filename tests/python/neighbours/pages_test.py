"""The examples of docs/neighbours.md and docs/migration.md, run as they stand."""

import contextlib
import gzip
import io
import os
import pathlib
import re
import sys
import tempfile
import unittest

import matplotlib
import numpy as np
import onnxruntime
from program import ProgramTest

matplotlib.use("Agg")
if os.access("/dev/shm", os.W_OK):  # MLflow's database waits for the disk at every word
    tempfile.tempdir = "/dev/shm"
os.environ["WANDB_SILENT"] = "true"
ROOT = pathlib.Path(__file__).parents[3]
DIGITS = ROOT / "models/data/digits.csv.gz"


class PagesTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)
        pathlib.Path("digits.csv").write_bytes(gzip.decompress(DIGITS.read_bytes()))
        size = ("--input", 64, "--classes", 10, "--width", 32, "--seed", 1)
        self.run_well("new", "mlp", *size, "-o", "digits.onnx")

    def run_page(self, name: str) -> tuple[dict[str, object], str]:
        """What the examples of a page leave behind, one after another, and what they print."""
        page = (ROOT / "docs" / name).read_text()
        known: dict[str, object] = {}
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            for number, example in enumerate(re.findall(r"```python\n(.*?)```", page, re.S), 1):
                exec(compile(example, f"{name}, example {number}", "exec"), known)
        return known, printed.getvalue()

    def test_neighbours(self) -> None:
        for variable in ("WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "WANDB_DATA_DIR"):
            os.environ[variable] = str(self.folder)
        known, _ = self.run_page("neighbours.md")
        states = {trial.state.name for trial in known["study"].trials}
        self.assertEqual(states, {"COMPLETE", "PRUNED"})
        self.assertEqual(known["logits"].shape, (360, 10))
        self.assertEqual(known["again"].to_bytes(), known["model"].to_bytes())
        self.assertTrue(list(self.folder.glob("logs/first/validation/events.out.tfevents.*")))
        self.assertTrue(list(self.folder.glob("wandb/offline-run-*")))
        self.assertEqual(known["found"].loss.shape, (15, 15))

    def test_migration(self) -> None:
        """The losses on the page are those that onnxruntime-training printed."""
        known, printed = self.run_page("migration.md")
        page = (ROOT / "docs/migration.md").read_text()
        expected = [float(line) for line in re.findall(r"^    (\d\.\d+)$", page, re.M)]
        self.assertEqual(len(expected), 11)
        found = [float(line) for line in printed.splitlines()]
        np.testing.assert_allclose(found, expected, rtol=3e-7)
        session = onnxruntime.InferenceSession("tuned.onnx")
        self.assertEqual([output.name for output in session.get_outputs()], ["logits"])
        self.assertEqual(len(known["history"].epochs), 3)

    def test_the_federated_run_is_the_page_s(self) -> None:
        page = (ROOT / "docs/neighbours.md").read_text()
        example = (ROOT / "examples/federated/federated.py").read_text()
        printed = io.StringIO()
        sys.argv = ["federated.py", "digits.onnx", "digits.csv", "averaged.onnx"]
        with contextlib.redirect_stdout(printed):
            exec(compile(example, "federated.py", "exec"), {"__name__": "__main__"})
        [shown] = re.findall(r"^    \$ python federated.py .*\n((?:    .*\n)+)", page, re.M)
        for line in shown.splitlines():
            if line.strip() != "…":
                self.assertIn(line.strip(), printed.getvalue())


if __name__ == "__main__":
    unittest.main()
