"""Every option over every optimizer, loss, schedule and strategy: which go together is what the
classes of PyTorch say, and what does not is refused.

What is walked is what the program lists, so that a new option is walked too."""

import json
import pathlib
import unittest

import numpy as np
from commands import listed
from program import ProgramTest, linear_model, run

GOLDENS = pathlib.Path(__file__).parents[1] / "goldens" / "option_suits.json"

# Where what an option says is more than PyTorch's class has: the axis that PyTorch fixes at 1, and
# the floor below which a polynomial does not fall.
MORE = {
    ("loss", "cross_entropy"): {"class-axis"},
    ("schedule", "polynomial"): {"minimum-learning-rate"},
}

# A value for each option that has no meaning with every other.
VALUES = {
    "alpha": "0.9", "anneal-strategy": "cos", "beta1": "0.9", "beta2": "0.99",
    "class-weights": "1,2,3", "dampening": "0", "factor": "0.5", "milestones": "1",
    "momentum": "0.9", "reduction-factor": "3", "rho": "0.9",
}  # fmt: skip


def value_of(option: dict) -> list[str]:
    if option["flag"]:
        return []
    return [VALUES.get(option["long_name"].removeprefix("--"), "1")]


def words_of(option: dict) -> list[str]:
    return [option["long_name"], *value_of(option)]


def walks() -> list[tuple[str, dict, list[dict]]]:
    """Every command with every option that others depend on, and these."""
    found = []
    for command, options in listed().items():
        by_name = {option["long_name"]: option for option in options}
        for name in ("--optimizer", "--loss", "--schedule", "--strategy"):
            some = [
                option
                for option in options
                if option["suits"] and "--" + option["suits"]["option"] == name
            ]
            if some:
                found.append((command, by_name[name], some))
    return found


class SuitsTest(ProgramTest):
    def needed(self, command: str) -> list[object]:
        """What the command asks for besides."""
        words: list[object] = []
        for option in listed()[command]:
            if not option["required"]:
                continue
            value = self.path("out" if (option["path"] or {}).get("written") else "in")
            words += [value] if option["positional"] else [option["long_name"], value]
        return words

    def test_what_pytorch_says(self) -> None:
        goldens = json.loads(GOLDENS.read_text())
        compared = 0
        for command, chooser, options in walks():
            name = chooser["long_name"].removeprefix("--")
            if command == "predict":  # whose options read outputs, they train nothing
                continue
            for value, expected in goldens.get(name, {}).items():
                found = {
                    option["long_name"].removeprefix("--")
                    for option in options
                    if value in option["suits"]["values"]
                }
                more = MORE.get((name, value), set())
                self.assertEqual(found - more, set(expected), (command, value))
                compared += 1
        self.assertGreaterEqual(compared, 40)

    def test_what_does_not_suit_is_refused(self) -> None:
        refused = 0
        for command, chooser, options in walks():
            needed = self.needed(command)
            for value in chooser["choices"]:
                for option in options:
                    if value in option["suits"]["values"]:
                        continue
                    words = [chooser["long_name"], value, *words_of(option)]
                    done = run(command, *needed, *words)
                    self.assertEqual(done.returncode, 2, f"{command} {words}: {done.stderr}")
                    name = chooser["long_name"].removeprefix("--")
                    line = f"{option['long_name']}: the {name} {value} does not have it"
                    self.assertIn(line, done.stderr)
                    refused += 1
        self.assertGreater(refused, 300)

    def test_what_suits_is_taken(self) -> None:
        """All options of a value together train."""
        model = self.save(linear_model())
        data = self.save_data(**self.samples())
        everything = {
            (chooser["long_name"], value): [
                word
                for option in options
                if value in option["suits"]["values"]
                for word in words_of(option)
            ]
            for command, chooser, options in walks()
            if command == "train"
            for value in chooser["choices"]
        }
        self.assertGreaterEqual(len(everything), 29)
        for (name, value), words in everything.items():
            choice = [name, value]
            train = ["train", model, "--data", data, "-o", self.path("out.onnx"), "--dry-run"]
            if name == "--loss" and value != "cross_entropy":
                target = np.zeros((12, 3), np.float32)
                train[3] = self.save_data("numbers.npz", x=self.samples()["x"], target=target)
            if value == "reduce_on_plateau":
                train += ["--validation-split", "0.25"]
            done = run(*train, *choice, *words)
            self.assertEqual(done.returncode, 0, f"{choice} {words}: {done.stderr}")


if __name__ == "__main__":
    unittest.main()
