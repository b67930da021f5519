"""`strop study`: the digits are scikit-learn's, results repeat, and the measured numbers decide.

STROP_PROGRAM=build/release/strop python tests/models/study_test.py
"""

import gzip
import json
import sys
import unittest
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))
from program import ProgramTest, linear_model, run  # noqa: E402

DIGITS = Path(__file__).parents[2] / "models/data/digits.csv.gz"


class StudyTest(ProgramTest):
    def study(self, name: str, *options: object, seeds: int = 1) -> dict:
        done = self.run_well("study", name, "--json", "--seeds", seeds, *options)
        return json.loads(done.stdout)

    def test_the_digits_are_those_of_scikit_learn(self) -> None:
        rows = np.genfromtxt(gzip.decompress(DIGITS.read_bytes()).decode().split(), delimiter=",")
        digits = load_digits()
        np.testing.assert_array_equal(rows[1:], np.column_stack([digits.data, digits.target]))

    def test_learning_rates_fall_into_their_regimes(self) -> None:
        page = self.path("page.html")
        first = self.study("learning-rate", "-o", page)
        rates = [row[0] for row in first["rows"]]
        regimes = {row[0]: row[1] for row in first["rows"]}
        self.assertEqual(rates, sorted(rates, key=float))
        self.assertEqual(regimes["0.0001"], "too low")
        self.assertEqual(regimes["100"], "diverged")
        accuracies = [float(row[4].split()[0]) for row in first["rows"] if row[1] == "good"]
        self.assertGreater(max(accuracies), 90)
        self.assertIn("Plotly", page.read_text())
        second = self.study("learning-rate")
        self.assertEqual(first["rows"], second["rows"])
        self.assertEqual(first["claims"], second["claims"])

    def test_sigmoids_lose_the_gradient(self) -> None:
        found = self.study("vanishing-gradients")
        ratios = {row[0]: [float(cell) for cell in row[1:6]] for row in found["rows"]}
        # Slopes of at most 1/4 under weights of unit gain: four-fold or more a layer, and float32
        # ends near 1e-45.
        for ratio, depth in zip(ratios["sigmoid"], (5, 10, 20), strict=False):
            self.assertLess(ratio, 2 * 0.25 ** (depth - 1))
        self.assertTrue(0.01 < ratios["ReLU, batch normalization, residual"][2] < 100)
        self.assertEqual({claim["agrees"] for claim in found["claims"]}, {None})  # one seed
        self.assertTrue(all(claim["source"] for claim in found["claims"]))

    def test_a_model_and_data_of_ones_own(self) -> None:
        random = np.random.default_rng(0)
        x = random.normal(size=(300, 4)).astype(np.float32)
        data = self.save_data(x=x, target=(x[:, 0] > 0).astype(np.int64) + (x[:, 1] > 0))
        found = self.study("batch-size", "--model", self.save(linear_model()), "--data", data)
        self.assertEqual([row[0] for row in found["rows"]], ["1", "32", "64", "128", "full"])
        self.assertIn("your model", found["setting"])

    def test_verdicts_need_seeds_that_agree(self) -> None:
        found = self.study("learning-rate", seeds=3)
        verdicts = {claim["textbook"]: claim["agrees"] for claim in found["claims"]}
        self.assertIs(verdicts["Larger rates make the loss jump from step to step."], True)
        self.assertIs(verdicts["Still higher, the loss diverges."], True)
        alone = self.study("learning-rate")
        self.assertEqual({claim["agrees"] for claim in alone["claims"]}, {None})

    def test_refusals(self) -> None:
        model = self.save(linear_model())
        data = self.save_data(x=np.zeros((9, 4), np.float32))
        cases = {
            ("optimiser",): (2, "did you mean optimizers"),
            ("activations", "--model", model): (2, "networks of its own"),
            ("optimizers", "--model", model): (2, "--model needs --data"),
            ("optimizers", "--data", data): (65, "has no target"),
        }
        for arguments, (code, words) in cases.items():
            with self.subTest(arguments):
                done = run("study", *arguments)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIn(words, done.stderr)


if __name__ == "__main__":
    unittest.main()
