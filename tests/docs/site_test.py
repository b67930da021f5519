"""The site builds, its notebooks run, nothing in it comes from the network, and every link of it
leads to a file and a place that are there.

PYTHONPATH=build/release/python python tests/docs/site_test.py
"""

import os
import subprocess
import sys
import tempfile
import unittest
from collections import defaultdict
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "docs/notebooks").glob("*.ipynb"))
# What a page loads by itself, as against what a reader may follow.
LOADED = {("script", "src"), ("img", "src"), ("source", "src"), ("iframe", "src")}


class Page(HTMLParser):
    """The places of a page, and what it refers to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.places: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.text: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if "id" in given:
            self.places.add(given["id"])
        is_stylesheet = tag == "link" and given.get("rel") in ("stylesheet", "icon", "preload")
        for name, value in given.items():
            if (tag, name) in LOADED or (is_stylesheet and name == "href"):
                self.loaded.append(value)
            elif tag in ("a", "link") and name == "href":
                self.links.append(value)

    def handle_data(self, data: str) -> None:
        self.text.append(data)


class SiteTest(unittest.TestCase):
    site: Path
    pages: dict[Path, Page]

    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.site = Path(folder.name).resolve() / "site"
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [sys.executable, ROOT / "docs/build_site.py", cls.site],
            env=environment,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise AssertionError(f"the site does not build:\n{done.stdout}{done.stderr}")
        cls.pages = {path: Page(path) for path in sorted(cls.site.rglob("*.html"))}

    def test_every_link_leads_somewhere(self) -> None:
        external: dict[str, int] = defaultdict(int)
        internal = 0
        for path, page in self.pages.items():
            for link in page.links + page.loaded:
                parts = urlsplit(link)
                if parts.scheme or parts.netloc:
                    external[link] += 1
                    continue
                internal += 1
                name = unquote(parts.path)
                target = Path(os.path.normpath(path.parent / name)) if name else path
                with self.subTest(page=path.relative_to(self.site).as_posix(), link=link):
                    self.assertTrue(target.is_file(), "no such file")
                    if parts.fragment and target in self.pages:
                        is_there = unquote(parts.fragment) in self.pages[target].places
                        self.assertTrue(is_there, "no such place")
        print(f"{len(self.pages)} pages, {internal} links inside, {len(external)} outside")
        self.assertGreater(internal, 1000)

    def test_nothing_is_loaded_from_elsewhere(self) -> None:
        for path, page in self.pages.items():
            for link in page.loaded:
                with self.subTest(page=path.relative_to(self.site).as_posix(), link=link):
                    parts = urlsplit(link)
                    self.assertIn(parts.scheme, ("", "data"))
                    self.assertEqual(parts.netloc, "")
        for path in self.site.rglob("*.css"):
            with self.subTest(path.name):
                text = path.read_text(encoding="utf-8")
                self.assertNotRegex(text, r"(@import|url\()\s*['\"]?(https?:)?//")

    def test_notebooks_show_what_they_computed(self) -> None:
        self.assertEqual(len(NOTEBOOKS), 3)
        for path in NOTEBOOKS:
            with self.subTest(path.stem):
                page = self.site / "notebooks" / f"{path.stem}.html"
                self.assertTrue(page in self.pages, "no such page")
                text = page.read_text(encoding="utf-8")
                self.assertGreaterEqual(text.count('class="cell_output'), 3)
                self.assertNotIn("Traceback", text)

    def test_formulas_and_numbers_are_in_the_pages(self) -> None:
        text = (self.site / "concepts/learning_rate.html").read_text(encoding="utf-8")
        self.assertIn("<math", text)
        self.assertIn("<svg", text)
        for path, page in self.pages.items():
            with self.subTest(path.relative_to(self.site).as_posix()):
                self.assertNotRegex("".join(page.text), r"\{\{ \w+[.\[]")


if __name__ == "__main__":
    unittest.main()
