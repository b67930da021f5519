"""Every block of Python and of commands on the pages of docs/ and in README.md runs, in a folder of
its own for each page, and prints what the page says. What is not run is listed.

STROP_PROGRAM=build/release/strop PYTHONPATH=build/release/python python tests/docs/pages_test.py
"""

import gzip
import os
import subprocess
import sys
import tempfile
import time
import unittest
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from blocks import blocks_of
from run_page import agree

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
# Whose blocks need other packages, and the tests that run them.
ELSEWHERE = {
    ROOT / "docs/migration.md": "tests/python/neighbours/pages_test.py",
    ROOT / "docs/neighbours.md": "tests/python/neighbours/pages_test.py",
    ROOT / "docs/text.md": "tests/python/text_page_test.py",
}
RUNNER = Path(__file__).with_name("run_page.py")
# The longest first, so that none of them is left alone at the end.
LONGEST = ("lora.md", "images.md", "tabular.md")
CACHE = subprocess.check_output(
    ["bash", ROOT / "scripts/cache_paths.sh", "cache_dir"], text=True
).strip()
PROGRAM = Path(os.environ["STROP_PROGRAM"]).resolve()


def digits_and_a_network(folder: Path) -> None:
    """What the pages speak of: examples/README.md says how they are made."""
    digits = gzip.decompress((ROOT / "models/data/digits.csv.gz").read_bytes())
    (folder / "digits.csv").write_bytes(digits)
    size = ("--input", "64", "--classes", "10", "--width", "32", "--seed", "1")
    subprocess.run([PROGRAM, "new", "mlp", *size, "-o", folder / "digits.onnx"], check=True)


def digits_by_other_names(folder: Path) -> None:
    import numpy as np

    digits_and_a_network(folder)
    (folder / "model.onnx").write_bytes((folder / "digits.onnx").read_bytes())
    rows = np.genfromtxt(folder / "digits.csv", delimiter=",", skip_header=1)
    x, y = rows[:, :-1].astype(np.float32), rows[:, -1].astype(np.int64)
    np.savez(folder / "train.npz", features=x, target=y)
    (folder / "before.py").write_text("import pandas\nimport strop\n")


def pictures(folder: Path) -> None:
    script = ROOT / "models/quickstart/prepare.py"
    subprocess.run([sys.executable, script, CACHE, folder / "pictures"], check=True)


PREPARED: dict[str, Callable[[Path], None]] = {
    "README.md": digits_by_other_names,
    "images.md": pictures,
    "lora.md": pictures,
    "python.md": digits_and_a_network,
}


def run_page(page: Path) -> tuple[Path, int, str, float]:
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "models").symlink_to(ROOT / "models")  # pages are read in Strop's folder
        PREPARED.get(page.name, lambda _: None)(folder)
        environment = {**os.environ, "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}"}
        environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
        done = subprocess.run(
            [sys.executable, RUNNER, page, folder],
            env=environment,
            capture_output=True,
            text=True,
        )
    return page, done.returncode, done.stdout + done.stderr, time.monotonic() - start


class PagesTest(unittest.TestCase):
    def test_every_block_runs(self) -> None:
        chosen = [page for page in PAGES if any(block.is_run for block in blocks_of(page))]
        chosen = [page for page in chosen if page not in ELSEWHERE]
        chosen.sort(key=lambda page: page.name not in LONGEST)
        with ThreadPoolExecutor(2) as pool:
            for page, status, said, seconds in pool.map(run_page, chosen):
                count = sum(block.is_run for block in blocks_of(page))
                print(f"{page.relative_to(ROOT)}: {count} blocks, {seconds:.1f} s", flush=True)
                with self.subTest(str(page.relative_to(ROOT))):
                    self.assertEqual(status, 0, said)
        self.assertGreater(len(chosen), 15)

    def test_what_is_not_run_is_said(self) -> None:
        """In a fence by its words; what is only indented stands here."""
        pages = [page for page in PAGES if page not in ELSEWHERE]
        not_run = [(page, block) for page in pages for block in blocks_of(page) if not block.is_run]
        for page, test in ELSEWHERE.items():
            count = sum(block.is_run for block in blocks_of(page))
            print(f"run by {test}: {page.relative_to(ROOT)}: {count} blocks")
            self.assertIn(f"{page.name}", (ROOT / test).read_text())
        for page, block in not_run:
            print(f"not run: {page.relative_to(ROOT)}:{block.line} [{block.kind}] {block.title}")
        print(f"{len(not_run)} blocks are not run")
        indented = {
            (page.relative_to(ROOT).as_posix(), block.title)
            for page, block in not_run
            if block.kind in ("indented", "unnamed")
        }
        self.assertEqual(indented, INDENTED)
        for page, block in not_run:
            with self.subTest(page=page, line=block.line):
                info = page.read_text().splitlines()[block.line - 2]
                self.assertTrue(block.kind in ("indented", "text") or "no-run" in info, info)

    def test_the_example_in_the_readme_is_that_of_the_page(self) -> None:
        [example, *_] = [b for b in blocks_of(ROOT / "docs/python.md") if b.kind == "python"]
        readme = [block.text for block in blocks_of(ROOT / "README.md") if block.kind == "python"]
        self.assertTrue(any(example.text.endswith("\n" + text) for text in readme))

    def test_what_differs_is_seen(self) -> None:
        self.assertTrue(agree("accuracy 0.97\n…\n", "accuracy 0.965\nsamples 360\n"))
        self.assertTrue(agree("epoch 1/2  loss 0.5  8.0 s", "epoch 1/2  loss 0.51  1 s"))
        self.assertFalse(agree("accuracy 0.97", "accuracy 0.90"))
        self.assertFalse(agree("loss 2.5", "loss 3"))
        self.assertFalse(agree("wrote a.onnx", "wrote b.onnx"))
        self.assertFalse(agree("one\ntwo", "one"))


# Of README.md: how to begin, and what the tests say at the end.
INDENTED = {
    (
        "README.md",
        "3. Its classifier gets ten outputs for the ten digits. Untrained, it guesses: about 10 %",
    ),
    ("README.md", "100% tests passed, 0 tests failed out of 869"),
    ("README.md", "scripts/wheel && pip install dist/strop-*.whl"),
    ("README.md", "scripts/quickstart"),
    ("README.md", "scripts/test"),
}

if __name__ == "__main__":
    unittest.main()
