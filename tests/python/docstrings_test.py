"""Every public name says what it does, and its example runs and prints what stands there."""

import contextlib
import doctest
import importlib
import importlib.util
import inspect
import os
import pkgutil
import unittest
from collections.abc import Iterator
from types import FunctionType, ModuleType

import strop
from program import ProgramTest
from strop import options

# Modules and examples that need a package which this environment may lack.
NEEDED = {
    "strop.sklearn": "sklearn",
    "strop.text": "tokenizers",
    "strop.audio": "soundfile",
    "strop.losses.torch": "torch",
    "strop.losses.jax": "jax",
    "strop.gradient_flow.GradientFlow.plot": "matplotlib",
    "strop.history.History.plot": "matplotlib",
    "strop.loss_landscape.Landscape.plot": "matplotlib",
    "strop.model.Model.plot_gradient_flow": "matplotlib",
}
# The lines that all examples begin with are those of the package's own before the first gap.
BEGINNING = strop.__doc__.partition("\n\n")[2].partition("\n\n")[0]


def is_ours(value: object) -> bool:
    return getattr(value, "__module__", "").startswith("strop")


def is_possible(name: str) -> bool:
    """Whether this environment has what a module or an example needs."""
    needed = [package for known, package in NEEDED.items() if f"{name}.".startswith(f"{known}.")]
    return all(map(importlib.util.find_spec, needed))


def public_names(module: ModuleType) -> Iterator[tuple[str, object]]:
    """Functions, classes and what classes have, by name; exceptions are their own words."""
    for name in getattr(module, "__all__", None) or [n for n in vars(module) if n[0] != "_"]:
        value = getattr(module, name)
        if inspect.isclass(value) and is_ours(value) and not issubclass(value, Exception):
            yield name, value
            for own, member in inspect.getmembers(value):
                function = member.fget if isinstance(member, property) else member
                if isinstance(function, FunctionType) and is_ours(function) and own[0] != "_":
                    yield f"{name}.{own}", member
        elif isinstance(value, FunctionType) and is_ours(value):
            yield name, value


class DocstringsTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(os.chdir, os.getcwd())

    def test_every_public_name_has_words_and_an_example(self) -> None:
        seen = set()
        modules = ("strop", "strop.callbacks", "strop.losses", "strop.sklearn")
        for module in map(importlib.import_module, filter(is_possible, modules)):
            for name, value in public_names(module):
                seen.add(name)
                with self.subTest(name=f"{module.__name__}.{name}"):
                    self.assertIn(">>>", inspect.getdoc(value) or "")
        for name in ("Trainer.fit", "Model.inputs", "load", "EarlyStopping"):
            self.assertIn(name, seen)
        for name, error in vars(strop.errors).items():
            if inspect.isclass(error) and issubclass(error, Exception):
                self.assertTrue(error.__doc__, name)
        for name, command in options.commands().items():
            described = getattr(strop.operations, name.replace("-", "_")).__doc__
            self.assertIn(command.help, described)
            for row in command.rows.values():
                self.assertIn(f"    {row.keyword.lower()}:", described)

    def test_examples_print_what_stands_there(self) -> None:
        finder = doctest.DocTestFinder(exclude_empty=True)
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
        count = 0
        for found in pkgutil.walk_packages(strop.__path__, "strop."):
            if found.name.startswith("strop._") or not is_possible(found.name):
                continue
            for example in finder.find(importlib.import_module(found.name)):
                if example.examples and is_possible(example.name):
                    self.run_example(runner, example)
                    count += 1
        [own] = [each for each in finder.find(strop) if each.name == "strop"]
        self.run_example(runner, own)
        self.assertGreater(count, 70)

    def run_example(self, runner: doctest.DocTestRunner, example: doctest.DocTest) -> None:
        folder = self.path(example.name)
        folder.mkdir(exist_ok=True)
        os.chdir(folder)
        example.globs = {}
        for line in doctest.DocTestParser().get_examples(BEGINNING):
            exec(line.source, example.globs)
        report: list[str] = []
        with self.subTest(example=example.name), contextlib.redirect_stderr(None):
            failed = runner.run(example, out=report.append).failed
            self.assertEqual(failed, 0, "".join(report))


if __name__ == "__main__":
    unittest.main()
