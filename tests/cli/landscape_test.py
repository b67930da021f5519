"""strop landscape against numpy and scikit-learn, and the page that it writes."""

import html.parser
import json
import pathlib
import re
import unittest

import numpy as np
from onnx import numpy_helper
from program import ProgramTest, linear_model, run
from sklearn.decomposition import PCA

VOID = {"meta", "link", "img", "br"}


def loss_of(weights: dict[str, np.ndarray], data: dict[str, np.ndarray]) -> float:
    hidden = np.tanh(data["x"] @ weights["w0"] + weights["b0"])
    logits = hidden @ weights["w1"] + weights["b1"]
    logits = logits - logits.max(axis=1, keepdims=True)
    chosen = logits[np.arange(len(logits)), data["target"]]
    return float((np.log(np.exp(logits).sum(axis=1)) - chosen).mean())


class StrictPage(html.parser.HTMLParser):
    """Fails on tags that do not match, on ids used twice and on anything that would be loaded."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open_tags: list[str] = []
        self.ids: set[str] = set()
        self.tags: list[str] = []
        self.figures: list[dict] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        assert len(values) == len(attrs), f"an attribute of {tag} twice"
        for name in ("src", "href"):
            target = values.get(name) or "#"
            assert target.startswith(("#", "data:")), f"{tag} loads {target}"
        if "id" in values:
            assert values["id"] not in self.ids, values["id"]
            self.ids.add(values["id"])
        self.tags.append(tag)
        if tag not in VOID:
            self.open_tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags and self.open_tags.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if self.open_tags[-1:] == ["script"] and data.startswith('{"data"'):
            self.figures.append(json.loads(data))


def parse_page(path: pathlib.Path) -> StrictPage:
    page = StrictPage()
    page.feed(path.read_text(encoding="utf-8"))
    page.close()
    assert not page.open_tags, page.open_tags
    return page


class LandscapeTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.model = linear_model(hidden=6)
        self.weights = {
            tensor.name: numpy_helper.to_array(tensor).astype(np.float64)
            for tensor in self.model.graph.initializer
        }
        self.model_path = self.save(self.model)
        self.data = self.samples(50)
        self.data_path = self.save_data(**self.data)

    def landscape(self, *options: object) -> dict:
        arguments = [self.model_path, "--data", self.data_path, "-o", self.path("page.html")]
        done = self.run_well("landscape", *arguments, "--json", "--resolution", 5, *options)
        return json.loads(done.stdout)

    def grid(self) -> dict[str, np.ndarray]:
        return dict(np.load(self.path("page.npz")))

    def test_center_is_what_evaluate_measures(self) -> None:
        summary = self.landscape()
        evaluated = self.run_well("evaluate", self.model_path, "--data", self.data_path, "--json")
        loss = json.loads(evaluated.stdout)["loss"]
        self.assertEqual(summary["center_loss"], loss)
        grid = self.grid()
        self.assertEqual(grid["loss"][2, 2], loss)
        np.testing.assert_array_equal(grid["x"], [-1, -0.5, 0, 0.5, 1])

    def test_directions_are_filter_normalized_and_losses_are_numpys(self) -> None:
        directions_path = self.path("directions.npz")
        self.landscape("--precision", "f64", "--directions", directions_path)
        arrays = np.load(directions_path)
        directions = [{n: arrays[f"{axis}/{n}"] for n in self.weights} for axis in "xy"]
        for direction in directions:
            for bias in ("b0", "b1"):
                self.assertFalse(direction[bias].any())
            for weight in ("w0", "w1"):  # Gemm, [inputs, neurons]: a neuron is a column
                lengths = np.linalg.norm(direction[weight], axis=0)
                np.testing.assert_allclose(
                    lengths, np.linalg.norm(self.weights[weight], axis=0), rtol=1e-12
                )
        flat = [np.concatenate([d[n].ravel() for n in ("w0", "w1")]) for d in directions]
        cosine = flat[0] @ flat[1] / np.linalg.norm(flat[0]) / np.linalg.norm(flat[1])
        self.assertLess(abs(cosine), 0.6)
        grid = self.grid()
        for j, y in enumerate(grid["y"]):
            for i, x in enumerate(grid["x"]):
                moved = {
                    n: w + x * directions[0][n] + y * directions[1][n]
                    for n, w in self.weights.items()
                }
                self.assertAlmostEqual(grid["loss"][j, i], loss_of(moved, self.data), places=12)

    def test_does_not_depend_on_the_jobs(self) -> None:
        self.landscape("--threads", 1, "--jobs", 1)
        first = self.grid()
        self.path("page.npz").unlink()
        self.landscape("--threads", 1, "--jobs", 3)
        np.testing.assert_array_equal(self.grid()["loss"], first["loss"])

    def test_goes_on_where_it_was_stopped(self) -> None:
        self.landscape()
        whole = self.grid()
        partial = {name: array.copy() for name, array in whole.items()}
        partial["done"][1:3] = 0
        partial["loss"][1:3] = -1
        partial["loss"][4, 4] = 123  # taken over, not measured again
        np.savez(self.path("page.npz"), **partial)
        self.landscape()
        resumed = self.grid()
        self.assertEqual(resumed["loss"][4, 4], 123)
        self.assertTrue(resumed["done"].all())
        np.testing.assert_array_equal(resumed["loss"][:4], whole["loss"][:4])
        done = self.run_well(
            *("landscape", self.model_path, "--data", self.data_path, "--resolution", 5),
            *("-o", self.path("page.html"), "--seed", 7),
        )
        self.assertIn("(its seed differs); starting anew", done.stderr)
        self.assertNotEqual(self.grid()["loss"][4, 4], 123)

    def test_another_file_in_the_grids_place_is_kept(self) -> None:
        np.savez(self.path("page.npz"), x=np.ones(3))
        output = self.path("page.html")
        done = run("landscape", self.model_path, "--data", self.data_path, "-o", output)
        self.assertEqual(done.returncode, 65)
        self.assertIn("holds no grid of a landscape", done.stderr)
        self.assertEqual(np.load(self.path("page.npz")).files, ["x"])

    def paths(self) -> tuple[list[list[pathlib.Path]], list[dict[str, np.ndarray]]]:
        """Two trainings of four checkpoints each, and their weights."""
        random = np.random.default_rng(11)
        files, points = [], []
        for name in ("<first>", "second"):
            point = {n: w + random.normal(size=w.shape) for n, w in self.weights.items()}
            files.append([])
            for i in range(4):
                point = {n: w + 0.4 * random.normal(size=w.shape) for n, w in point.items()}
                model = linear_model(hidden=6)
                for tensor in model.graph.initializer:
                    array = point[tensor.name].astype(np.float32)
                    tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
                    point[tensor.name] = array.astype(np.float64)
                files[-1].append(self.save(model, f"{name}{i}.onnx"))
                points.append(point)
        return files, points

    def test_the_plane_of_paths_is_scikit_learns_pca(self) -> None:
        files, points = self.paths()
        options = [option for path in files for option in ("--path", *path)]
        summary = self.landscape("--precision", "f64", *options)
        names = sorted(self.weights)
        center = np.concatenate([self.weights[n].ravel() for n in names])
        matrix = np.array([np.concatenate([p[n].ravel() for n in names]) for p in points]) - center
        pca = PCA(2, svd_solver="full").fit(matrix)
        np.testing.assert_allclose(summary["explained"], pca.explained_variance_ratio_, rtol=1e-9)
        expected = matrix @ pca.components_.T
        expected *= -np.sign(expected[0])  # the first point lies at negative x and y
        found = [[p["x"], p["y"]] for path in summary["paths"] for p in path["points"]]
        np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9)
        losses = [p["loss"] for path in summary["paths"] for p in path["points"]]
        np.testing.assert_allclose(losses, [loss_of(p, self.data) for p in points], rtol=1e-12)
        page = parse_page(self.path("page.html"))
        surface = page.figures[0]["data"]
        self.assertEqual([t["type"] for t in surface], ["surface"] + ["scatter3d"] * 3)

    def test_two_checkpoints_span_no_plane(self) -> None:
        files, _ = self.paths()
        arguments = ["landscape", self.model_path, "--data", self.data_path]
        done = run(*arguments, "-o", self.path("p.html"), "--path", *files[0][:2])
        self.assertEqual(done.returncode, 65)
        self.assertIn("span no plane", done.stderr)
        done = run(*arguments, "-o", self.path("p.html"), "--path", *files[0], "--range", 2)
        self.assertEqual(done.returncode, 2)

    def test_page_with_hostile_names_is_whole_and_loads_nothing(self) -> None:
        name = "<img src=x onerror=alert(1)>&\"'`${1}.onnx"
        self.model_path = self.save(self.model, name)
        self.landscape()
        page = parse_page(self.path("page.html"))
        self.assertNotIn("img", page.tags)
        self.assertEqual(page.tags.count("script"), len(page.figures) + 2)
        text = self.path("page.html").read_text(encoding="utf-8")
        self.assertIn("&lt;img src=x onerror=alert(1)&gt;&amp;&quot;&#39;`${1}.onnx", text)
        self.assertRegex(text, r"Content-Security-Policy\" content=\"default-src 'none'")

    def test_draws_pictures(self) -> None:
        name = 'it\'s `touch x` "$(touch y)".onnx'
        self.model_path = self.save(self.model, name)
        self.landscape("--png", self.path("p.png"), "--svg", self.path("p.svg"))
        self.assertEqual(self.path("p.png").read_bytes()[:4], b"\x89PNG")
        svg = self.path("p.svg").read_text(encoding="utf-8")
        self.assertIn("</svg>", svg)
        self.assertIn("trained weights", svg)
        self.assertIsNone(re.search(r'href=[\'"](?!data:|#)', svg))
        self.assertFalse(self.path("x").exists() or pathlib.Path("x").exists())


if __name__ == "__main__":
    unittest.main()
