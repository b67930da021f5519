"""Pictures of matplotlib's, as numbers on axes; gradients against backpropagation in NumPy."""

import gzip
import pathlib
import unittest

import matplotlib
import numpy as np
import strop
from onnx import helper, numpy_helper
from program import ProgramTest, linear_model, make_model, softmax_cross_entropy

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402

ROOT = pathlib.Path(__file__).parents[3]
DIGITS = ROOT / "models/data/digits.csv.gz"


class Pairs:
    """A dataset."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        return np.zeros(4, np.float32), index


def line(ax: object, label: str) -> tuple[list[float], list[float]]:
    [found] = [each for each in ax.get_lines() if each.get_label() == label]
    return list(found.get_xdata()), list(found.get_ydata())


def labels(ax: object) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


class PlotsTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(pyplot.close, "all")
        samples, other = self.samples(count=24), self.samples(count=24, seed=5)
        self.x, self.y = samples["x"], samples["target"]
        self.validation = (other["x"], other["target"])
        self.path_of_model = self.save(linear_model(hidden=8))
        self.model = strop.load(self.path_of_model)


class HistoryTest(PlotsTest):
    def fit(self, metric: list[str], epochs: int = 6, **options: object) -> strop.History:
        trainer = strop.Trainer(self.model, optimizer="sgd", metric=metric, **options)
        return trainer.fit(self.x, self.y, validation_data=self.validation, epochs=epochs)

    def test_losses_gap_metrics_and_best_epoch(self) -> None:
        history = self.fit(["accuracy", "f1_macro"], learning_rate=3.0)
        ax = history.plot()
        lists = history.history
        epochs = [1, 2, 3, 4, 5, 6]
        self.assertEqual(line(ax, "training"), (epochs, lists["loss"]))
        self.assertEqual(line(ax, "validation"), (epochs, lists["val_loss"]))
        best = 1 + int(np.argmin(lists["val_loss"]))
        self.assertEqual(line(ax, f"best epoch: {best}")[0], [best, best])
        self.assertEqual(labels(ax), ["training", "validation", "gap", f"best epoch: {best}"])
        [gap] = ax.collections
        corners = gap.get_paths()[0].vertices
        for name in ("loss", "val_loss"):
            self.assertLessEqual(set(lists[name]), set(corners[:, 1]))
        above, below = ax.figure.axes
        self.assertIs(above, ax)
        self.assertEqual(line(below, "accuracy"), (epochs, lists["val_accuracy"]))
        self.assertEqual(line(below, "f1_macro"), (epochs, lists["val_f1_macro"]))
        self.assertEqual((below.get_xlabel(), ax.get_ylabel()), ("epoch", "loss"))
        self.assertEqual([tick % 1 for tick in below.get_xticks()], [0] * len(below.get_xticks()))

    def test_axes_of_others_are_drawn_on(self) -> None:
        history = self.fit(["accuracy"])
        figure, axes = pyplot.subplots(1, 2)
        self.assertIs(history.plot(ax=axes[1]), axes[1])
        self.assertEqual(len(figure.axes), 2)
        self.assertFalse(axes[0].get_lines())
        self.assertEqual(axes[1].get_xlabel(), "epoch")

    def test_one_epoch_without_validation_is_seen(self) -> None:
        history = strop.Trainer(self.model).fit(self.x, self.y, epochs=1)
        ax = history.plot()
        self.assertEqual(labels(ax), ["training"])
        [curve] = ax.get_lines()
        self.assertEqual(curve.get_marker(), ".")

    def test_styles_give_the_colors(self) -> None:
        history = self.fit(["accuracy"])
        for style in ("default", "dark_background"):
            with pyplot.style.context(style):
                ax = history.plot()
                cycle = pyplot.rcParams["axes.prop_cycle"].by_key()["color"]
                self.assertEqual([each.get_color() for each in ax.get_lines()[:2]], cycle[:2])
                ground = matplotlib.colors.to_rgb(ax.get_facecolor())
                for curve in ax.get_lines():
                    color = matplotlib.colors.to_rgb(curve.get_color())
                    self.assertGreater(np.abs(np.subtract(color, ground)).max(), 0.3)


class GradientFlowTest(PlotsTest):
    def expected(self) -> dict[str, np.ndarray]:
        """Backpropagation through Tanh and cross-entropy, in double."""
        w0, b0, w1, b1 = (
            self.model.read_parameter(name).astype(np.float64) for name in ("w0", "b0", "w1", "b1")
        )
        hidden = np.tanh(self.x.astype(np.float64) @ w0 + b0)
        logits = hidden @ w1 + b1
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        shares[np.arange(len(self.y)), self.y] -= 1
        outer = shares / len(self.y)
        inner = outer @ w1.T * (1 - hidden**2)
        found = {"w0": self.x.T @ inner, "b0": inner.sum(axis=0)}
        return found | {"w1": hidden.T @ outer, "b1": outer.sum(axis=0)}

    def check(self, flow: strop.GradientFlow) -> None:
        expected = self.expected()
        self.assertEqual([each.name for each in flow], ["w0", "b0", "w1", "b1"])
        for each in flow:
            sizes = np.abs(expected[each.name])
            np.testing.assert_allclose([each.mean, each.maximum], [sizes.mean(), sizes.max()], 1e-5)

    def test_numbers_are_those_of_backpropagation(self) -> None:
        before = self.model.to_bytes()
        self.check(self.model.gradient_flow(self.x, self.y))
        self.assertEqual(self.model.to_bytes(), before)
        again = strop.load(self.path_of_model, precision="f64")
        self.check(again.gradient_flow(self.x, self.y, loss="cross_entropy"))

        def outside(logits: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
            shares = np.exp(logits - logits.max(axis=1, keepdims=True))
            shares /= shares.sum(axis=1, keepdims=True)
            shares[np.arange(len(labels)), labels] -= 1
            return softmax_cross_entropy(logits, labels), shares / len(labels)

        self.check(self.model.gradient_flow(self.x, self.y, loss=outside))

    def test_options_of_the_loss_count(self) -> None:
        plain = self.model.gradient_flow(self.x, self.y)
        weighed = self.model.gradient_flow(self.x, self.y, class_weights=[1, 0, 0])
        self.assertNotEqual(plain[0].mean, weighed[0].mean)
        with self.assertRaisesRegex(TypeError, "class_weight'.*did you mean"):
            self.model.gradient_flow(self.x, self.y, class_weight=[1, 1, 1])
        with self.assertRaisesRegex(ValueError, "found optimizer, expected options of the loss"):
            self.model.gradient_flow(self.x, self.y, optimizer="adam")
        with self.assertRaisesRegex(ValueError, "found none, expected targets"):
            self.model.gradient_flow(self.x, None)

    def test_layers_stand_in_the_order_of_the_pass(self) -> None:
        """Tensors of the file are in another order than the nodes that read them."""
        random = np.random.default_rng(0)
        names = ["c", "a", "b"]
        nodes, tensors, value = [], [], "x"
        for i, name in enumerate(names):
            weight = random.normal(size=(4, 4)).astype(np.float32)
            tensors.append(numpy_helper.from_array(weight, name))
            nodes.append(helper.make_node("MatMul", [value, name], [f"m{i}"], name=f"layer{i}"))
            value = f"m{i}" if i < 2 else "y"
        nodes[-1].output[0] = "y"
        tensors.sort(key=lambda tensor: tensor.name)
        model = strop.load(make_model(nodes, tensors, ["n", 4], ["n", 4]))
        self.assertEqual([parameter.name for parameter in model.parameters], ["a", "b", "c"])
        flow = model.gradient_flow(self.x, self.y)
        self.assertEqual([each.name for each in flow], names)
        ax = model.plot_gradient_flow(self.x, self.y)
        self.assertEqual([tick.get_text() for tick in ax.get_xticklabels()], names)

    def test_vanishing_gradients_are_seen(self) -> None:
        size = ("--input", 64, "--classes", 10, "--width", 16, "--depth", 8, "--seed", 1)
        path = self.path("deep.onnx")
        self.run_well("new", "mlp", *size, "--activation", "sigmoid", "-o", path)
        with gzip.open(DIGITS, "rt") as file:
            table = np.loadtxt(file, np.float32, delimiter=",", skiprows=1, max_rows=64)
        ax = strop.load(path).plot_gradient_flow(table[:, :64], table[:, 64].astype(np.int64))
        self.assertEqual(ax.get_yscale(), "log")
        means, maxima = (line(ax, label)[1] for label in ("mean", "maximum"))
        self.assertEqual(len(means), 9)  # weights alone
        self.assertLess(means[1], 1e-4 * means[-1])
        self.assertTrue(all(low < high for low, high in zip(means, maxima, strict=True)))
        self.assertEqual(labels(ax), ["maximum", "mean"])

    def test_what_no_gradient_reaches_is_marked(self) -> None:
        model = linear_model(hidden=8)
        [classifier] = [each for each in model.graph.initializer if each.name == "w1"]
        zeros = np.zeros_like(numpy_helper.to_array(classifier))
        classifier.CopyFrom(numpy_helper.from_array(zeros, "w1"))
        ax = strop.load(model).plot_gradient_flow(self.x, self.y)
        self.assertEqual(line(ax, "no gradient")[0], [0])
        self.assertTrue(np.isnan(line(ax, "mean")[1][0]))

    def test_adapters_have_gradients_too(self) -> None:
        self.model.add_lora("w0")
        names = [each.name for each in self.model.gradient_flow(self.x, self.y)]
        self.assertEqual(names, ["w0/lora_A", "w0/lora_B"])
        figure, ax = pyplot.subplots()
        self.assertIs(self.model.plot_gradient_flow(self.x, self.y, ax=ax), ax)


class LandscapeTest(PlotsTest):
    def test_losses_are_the_program_s(self) -> None:
        strop.Trainer(self.model, epochs=3, optimizer="adam").fit(self.x, self.y)
        found = strop.landscape(self.model, self.x, self.y, resolution=5, seed=3)
        self.model.save(self.path("tuned.onnx"))
        data = self.save_data(x=self.x, target=self.y)
        words = ("--resolution", 5, "--seed", 3, "-o", self.path("page.html"))
        self.run_well("landscape", self.path("tuned.onnx"), "--data", data, *words)
        expected = np.load(self.path("page.npz"))
        for name in ("x", "y", "loss"):
            np.testing.assert_array_equal(getattr(found, name), expected[name])
        logits = self.model.run(self.x)["y"]
        loss = softmax_cross_entropy(logits, self.y)
        self.assertAlmostEqual(found.center_loss, loss, places=6)
        of_files = strop.landscape(self.path("tuned.onnx"), data, resolution=5, seed=3)
        np.testing.assert_array_equal(of_files.loss, found.loss)
        mixed = strop.landscape(self.path("tuned.onnx"), self.x, self.y, resolution=5, seed=3)
        np.testing.assert_array_equal(mixed.loss, found.loss)

    def test_pictures_of_a_plane(self) -> None:
        found = strop.landscape(self.model, self.x, self.y, resolution=9)
        self.assertEqual(found.loss.shape, (9, 9))
        ax = found.plot()
        self.assertEqual(labels(ax), ["trained weights"])
        self.assertEqual(ax.get_xlabel(), "direction 1")
        np.testing.assert_allclose(ax.get_xlim(), found.x[[0, -1]])
        [_, bar] = ax.figure.axes
        np.testing.assert_allclose(bar.get_ylim(), [found.loss.min(), found.loss.max()], rtol=1e-6)
        ax = found.plot("lines")
        np.testing.assert_array_equal(line(ax, "along direction 1")[1], found.loss[4])
        np.testing.assert_array_equal(line(ax, "along direction 2")[1], found.loss[:, 4])
        self.assertEqual(line(ax, "trained weights"), ([0], [found.center_loss]))
        self.assertEqual(found.plot("surface").get_zlabel(), "loss")
        figure, axes = pyplot.subplots()
        self.assertIs(found.plot("contour", ax=axes), axes)
        with self.assertRaisesRegex(ValueError, "found 'heat', expected one of contour"):
            found.plot("heat")

    def test_large_differences_are_logarithmic_and_holes_stay_open(self) -> None:
        loss = np.array([[0.01, 0.1, 1], [0.1, 0.001, np.inf], [1, 1, np.nan]])
        side = np.array([-1.0, 0, 1])
        found = strop.Landscape(side, side, loss, 0.001)
        [_, bar] = found.plot().figure.axes
        np.testing.assert_allclose(bar.get_ylim(), [0.001, 1])
        self.assertEqual(bar.get_yscale(), "log")
        self.assertEqual(found.plot("lines").get_yscale(), "log")
        self.assertEqual(found.plot("surface").get_zlabel(), "log10 of the loss")
        flat = strop.Landscape(side, side, np.ones((3, 3)), 1.0)
        for kind in ("contour", "lines", "surface"):
            flat.plot(kind).figure.canvas.draw()

    def test_trainings_have_their_way_on_it(self) -> None:
        run = self.path("run")
        trainer = strop.Trainer(self.model, epochs=6, run_directory=run, keep=9, optimizer="adam")
        trainer.fit(self.x, self.y, validation_data=self.validation)
        found = strop.landscape(self.model, self.x, self.y, resolution=5, run_directory=run)
        [path] = found.paths
        self.assertEqual(path.name, str(run))
        self.assertEqual(len(path.labels), 6)
        self.assertEqual(len(found.explained), 2)
        self.assertAlmostEqual(path.loss[-1], found.center_loss, places=6)
        ax = found.plot()
        self.assertEqual(line(ax, path.name), (list(path.x), list(path.y)))
        self.assertRegex(ax.get_xlabel(), r"direction 1 \(\d+% of the way\)")
        files = sorted((run / "checkpoints").glob("*.safetensors"))
        for given, points in ((files, [6]), ([files], [6]), ([files[:4], files[2:]], [4, 4])):
            other = strop.landscape(self.model, self.x, self.y, resolution=3, path=given)
            self.assertEqual([len(each.labels) for each in other.paths], points)

    def test_what_it_is_not_given_is_refused(self) -> None:
        with self.assertRaisesRegex(TypeError, "found an option 'output'"):
            strop.landscape(self.model, self.x, self.y, output="page.html")
        with self.assertRaisesRegex(ValueError, "found targets beside a path"):
            strop.landscape(self.model, "data.npz", self.y)
        with self.assertRaisesRegex(ValueError, "found a dataset"):
            strop.landscape(self.model, Pairs())


if __name__ == "__main__":
    unittest.main()
