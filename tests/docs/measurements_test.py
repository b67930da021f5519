"""What the pages of concepts show is what docs/measurements/ holds: the figures are those that its
numbers give, each is on a page, and what the text concludes from numbers is true of them.

python tests/docs/measurements_test.py
"""

import json
import re
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).parents[2]
MEASUREMENTS = ROOT / "docs/measurements"
sys.path[:0] = [str(MEASUREMENTS), str(ROOT / "docs/extensions")]
import draw  # noqa: E402
from measured import cells, measurement  # noqa: E402

CONCEPTS = sorted(set((ROOT / "docs/concepts").glob("*.md")) - {ROOT / "docs/concepts/index.md"})


def number(cell: str) -> float:
    """The first one: of "97.7 % ± 0.7" 97.7."""
    return float(re.findall(r"-?[\d.]+(?:e[-+]?\d+)?", cell)[0])


class MeasurementsTest(unittest.TestCase):
    def test_figures_are_those_of_the_numbers(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            draw.draw_all(Path(folder))
            drawn = {path.name: path.read_text() for path in Path(folder).iterdir()}
        kept = {path.name: path.read_text() for path in (MEASUREMENTS / "figures").iterdir()}
        self.assertEqual(drawn.keys(), kept.keys())
        self.assertEqual([name for name in drawn if drawn[name] != kept[name]], [])

    def test_every_figure_is_on_a_page_and_every_page_has_one(self) -> None:
        shown: set[str] = set()
        self.assertEqual(len(CONCEPTS), 10)
        for page in CONCEPTS:
            on_page = re.findall(r"\{measured\} (\S+) chart (\S+)", page.read_text())
            with self.subTest(page.name):
                self.assertTrue(on_page)
            shown |= {f"{name}.{chart}.svg" for name, chart in on_page}
        self.assertEqual(shown, {path.name for path in (MEASUREMENTS / "figures").iterdir()})

    def test_measurements_say_where_they_come_from(self) -> None:
        for path in MEASUREMENTS.glob("*.json"):
            with self.subTest(path.stem):
                about = json.loads(path.read_text())["about"]
                self.assertEqual(
                    set(about), {"commands", "seeds", "strop", "date", "processor", "threads"}
                )
                self.assertTrue(all(command.startswith("strop ") for command in about["commands"]))

    def holds(self, name: str, *words: str) -> dict:
        """Rows of a measurement whose page still says these words."""
        pages = " ".join(" ".join(page.read_text().split()) for page in CONCEPTS)
        for each in words:
            self.assertIn(each, pages)
        return cells(measurement(name))

    def test_what_the_text_concludes_is_true(self) -> None:
        rows = self.holds("forward-propagation", "it stays", "a little faster than the 0.707")
        self.assertLess(abs(number(rows["he"]["a layer"]) - 1), 0.02)
        self.assertTrue(0.65 < number(rows["xavier"]["a layer"]) < 0.707)
        self.assertLess(abs(number(rows["normal"]["a layer"]) - 0.02 * 32**0.5), 0.005)

        rows = self.holds("activations", "ReLU is no better than tanh here")
        self.assertGreater(number(rows["tanh"]["accuracy"]), number(rows["relu"]["accuracy"]))

        rows = self.holds("backpropagation", "About the three")
        for cost in rows["cost"]:
            self.assertTrue(2.5 < number(cost["ratio"]) < 3.5, cost)

        rows = self.holds("optimizers", "momentum forgives as much")
        good = {name: number(rows[name]["good rates"]) for name in ("sgd", "momentum", "adam")}
        self.assertEqual(good["momentum"], good["adam"])
        self.assertGreater(good["adam"], good["sgd"])

        rates = self.holds("learning-rate", "The good range is narrow: 0.1 and 0.3.")
        good_rates = [rate for rate, row in rates.items() if "regime" in row]
        good_rates = [rate for rate in good_rates if rates[rate]["regime"] == "good"]
        self.assertEqual(good_rates, ["0.1", "0.3"])
        found = self.holds("range-test", "within a factor of five")
        for name in ("sgd", "adam"):
            factor = number(found[name]["suggested"]) / number(rows[name]["best rate"])
            self.assertTrue(1 / 5 < factor < 5, name)

        rows = self.holds("batch-size", "single samples do as well or better")
        self.assertGreaterEqual(number(rows["1"]["accuracy"]), number(rows["32"]["accuracy"]))

        rows = self.holds("vanishing-gradients", "makes it *explode*", "even sigmoids train")
        self.assertGreater(number(rows["ReLU, batch normalization"]["first/last at 100"]), 1e6)
        cured = rows["sigmoid, batch normalization, residual"]
        self.assertGreater(number(cured["accuracy at 20"]), 90)

        rows = self.holds("regularization", "raises the *accuracy* by more than the seeds scatter")
        plain = rows["none"]
        for name in ("dropout", "weight decay", "early stopping", "all three"):
            gap = number(rows[name]["gap of the losses"])
            self.assertLess(gap, number(plain["gap of the losses"]), name)
            gain = number(rows[name]["validation accuracy"]) - number(plain["validation accuracy"])
            self.assertLess(gain, float(plain["validation accuracy"].split("±")[1]), name)

        rows = self.holds("sharpness", "SAM's minima are the flattest", "end higher")
        losses = {way: number(rows[way]["loss at distance 0.5"]) for way in list(rows)[-3:]}
        self.assertEqual(min(losses, key=losses.__getitem__), "batches of 16, SAM")
        self.assertGreater(
            number(rows["batches of 256"]["loss"]), number(rows["batches of 16"]["loss"])
        )


if __name__ == "__main__":
    unittest.main()
