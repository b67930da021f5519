"""One rule for pixels, whatever they lie in: scaled by 1/255, then mean and std, or refused."""

import pathlib
import struct
import unittest

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from program import ProgramTest, linear_model, make_model, run

BAD_DATA = 65
USAGE = 2
MEAN = np.array([0.5, 0.4, 0.3])
STD = np.array([0.2, 0.3, 0.4])
NORMALIZE = ["--mean", "0.5,0.4,0.3", "--std", "0.2,0.3,0.4"]


def idx(array: np.ndarray) -> bytes:
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return head + array.tobytes()


class ScalingTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        random = np.random.default_rng(0)
        self.pixels = random.integers(0, 256, (6, 5, 4, 3), dtype=np.uint8)  # [n, h, w, c]
        self.labels = np.array([0, 0, 0, 1, 1, 1])
        self.weights = random.normal(size=(60, 1)).astype(np.float32)

    def model(self, shape: list[int | str], kind: int = TensorProto.FLOAT) -> pathlib.Path:
        """y = the sum of all numbers, each with a weight of its own."""
        nodes = [
            helper.make_node("Cast", ["x"], ["z"], name="cast", to=TensorProto.FLOAT),
            helper.make_node("Flatten", ["z"], ["f"], name="flatten"),
            helper.make_node("MatMul", ["f", "w"], ["y"], name="fc"),
        ]
        count = int(np.prod([d for d in shape if not isinstance(d, str)]))
        tensors = [numpy_helper.from_array(self.weights[:count], "w")]
        return self.save(make_model(nodes, tensors, ["n", *shape], ["n", 1], kind))

    def loss(self, model: pathlib.Path, data: object, *options: object) -> tuple[float, str]:
        evaluate = ["evaluate", model, "--data", data, "--loss", "l1", *options]
        done = self.run_well(*evaluate)
        return float(done.stdout.split()[1]), done.stderr

    def expected(self, numbers: np.ndarray) -> float:
        flat = numbers.reshape(6, -1).astype(float)
        y = flat @ self.weights[: flat.shape[1], 0].astype(float)
        return float(abs(y - self.labels).mean())

    def check(
        self, model: pathlib.Path, data: object, numbers: np.ndarray, *options: object
    ) -> str:
        loss, notes = self.loss(model, data, *options)
        expected = self.expected(numbers)
        self.assertLess(abs(loss / expected - 1), 3e-6, f"{loss}, expected {expected}")
        return notes

    def picture_folder(self) -> pathlib.Path:
        for i, (pixels, label) in enumerate(zip(self.pixels, self.labels, strict=True)):
            path = self.path(f"images/{label}/{i}.png")
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
        return self.path("images")

    def sources(self) -> dict[str, object]:
        """The same pixels in everything that holds pictures."""
        first = self.pixels.transpose(0, 3, 1, 2).copy()
        np.save(self.path("last.npy"), self.pixels)
        np.save(self.path("first.npy"), first)
        np.save(self.path("labels.npy"), self.labels)
        self.path("images.idx").write_bytes(idx(self.pixels))
        self.path("labels.idx").write_bytes(idx(self.labels.astype(np.uint8)))
        return {
            "folder": self.picture_folder(),
            "npz_first": self.save_data("first.npz", x=first, target=self.labels),
            "npz_last": self.save_data("last.npz", x=self.pixels, target=self.labels),
            "npy_first": f"{self.path('first.npy')},{self.path('labels.npy')}",
            "npy_last": f"{self.path('last.npy')},{self.path('labels.npy')}",
            "idx": f"{self.path('images.idx')},{self.path('labels.idx')}",
        }

    def test_pictures_of_every_source(self) -> None:
        first = self.pixels.transpose(0, 3, 1, 2)
        for name, data in self.sources().items():
            for shape, pixels in (([3, 5, 4], first), ([5, 4, 3], self.pixels)):
                model = self.model(shape)
                is_last = shape[2] == 3
                mean = MEAN if is_last else MEAN[:, None, None]
                std = STD if is_last else STD[:, None, None]
                with self.subTest(name=name, shape=shape):
                    notes = self.check(model, data, pixels / 255)
                    self.assertIn("pixels scaled by 1/255", notes)
                    notes = self.check(model, data, (pixels / 255 - mean) / std, *NORMALIZE)
                    self.assertIn("mean 0.5,0.4,0.3, std 0.2,0.3,0.4", notes)
                    notes = self.check(model, data, pixels, "--no-pixel-scaling")
                    self.assertIn("pixels from 0 to 255", notes)
                    options = ["--no-pixel-scaling", "--mean", "100", "--std", "50"]
                    self.check(model, data, (pixels - 100.0) / 50, *options)
            model = self.model([3, 5, 4], TensorProto.UINT8)
            with self.subTest(name=name, shape="uint8"):
                self.check(model, data, first)

    def test_flattened_pictures_keep_their_order(self) -> None:
        first = self.pixels.transpose(0, 3, 1, 2)
        model = self.model([60])
        for array in (first, self.pixels):
            data = self.save_data(x=array, target=self.labels)
            self.check(model, data, array / 255)
        grey = self.pixels[..., 0]
        data = self.save_data(x=grey, target=self.labels)
        self.check(self.model([20]), data, grey / 255)
        table = self.pixels.reshape(6, 60)
        data = self.save_data(x=table, target=self.labels)
        self.check(self.model([60]), data, table)  # a table of numbers has no pixels

    def test_channels_of_any_number(self) -> None:
        five = np.random.default_rng(1).integers(0, 256, (6, 5, 3, 4), dtype=np.uint8)
        data = self.save_data(x=five, target=self.labels)
        self.check(self.model([5, 3, 4]), data, five / 255)

    def test_several_inputs(self) -> None:
        nodes = [
            helper.make_node("Flatten", ["x"], ["f"], name="flatten"),
            helper.make_node("MatMul", ["f", "w"], ["h"], name="fc"),
            helper.make_node("Add", ["h", "z"], ["y"], name="add"),
        ]
        model = make_model(
            nodes, [numpy_helper.from_array(self.weights, "w")], ["n", 3, 5, 4], ["n", 1]
        )
        z = helper.make_tensor_value_info("z", TensorProto.FLOAT, ["n", 1])
        model.graph.input.append(z)
        first = self.pixels.transpose(0, 3, 1, 2)
        arrays = {"x": first, "z": np.zeros((6, 1), np.uint8), "target": self.labels}
        data = self.save_data(**arrays)
        notes = self.check(self.save(model), data, first / 255)
        self.assertIn("pixels scaled by 1/255", notes)
        self.check(self.save(model), data, first, "--no-pixel-scaling")
        done = run("evaluate", self.save(model), "--data", data, "--loss", "l1", "--std", "2")
        self.assertEqual(done.returncode, BAD_DATA)
        self.assertIn("one input", done.stderr)

    def test_floating_arrays(self) -> None:
        first = self.pixels.transpose(0, 3, 1, 2) / 64 - 1
        mean, std = MEAN[:, None, None], STD[:, None, None]
        for kind in (np.float16, np.float32, np.float64):
            numbers = first.astype(kind)
            data = self.save_data(x=numbers, target=self.labels)
            model = self.model([3, 5, 4])
            self.check(model, data, numbers.astype(float))
            notes = self.check(model, data, (numbers.astype(float) - mean) / std, *NORMALIZE)
            self.assertIn("numbers not scaled, mean 0.5,0.4,0.3, std 0.2,0.3,0.4", notes)
            last = numbers.transpose(0, 2, 3, 1)
            data = self.save_data(x=last, target=self.labels)
            self.check(self.model([5, 4, 3]), data, (last.astype(float) - MEAN) / STD, *NORMALIZE)
        bad = first.astype(np.float32)
        bad[3, 0, 0, 0] = np.nan
        data = self.save_data(x=bad, target=self.labels)
        self.refuse("row 3", model, data, "--mean", "1")

    def test_augmented_floating_arrays(self) -> None:
        """What is erased is 0 after the normalization, as of pictures."""
        first = (self.pixels.transpose(0, 3, 1, 2) / 255).astype(np.float32)
        model = self.model([3, 5, 4])
        train = ["train", model, "--loss", "l1", "--learning-rate", "0", "--json"]
        train += ["--random-erasing", "1", *NORMALIZE, "-o", self.path("o.onnx")]
        data = self.save_data(x=first, target=self.labels)
        pictures = self.run_well(*train, "--data", self.picture_folder(), "--no-shuffle").stdout
        arrays = self.run_well(*train, "--data", data, "--no-shuffle").stdout
        loss = [float(text.split('"train_loss":')[1].split(",")[0]) for text in (arrays, pictures)]
        self.assertAlmostEqual(loss[0], loss[1], 5)

    def test_tables(self) -> None:
        random = np.random.default_rng(2)
        table = random.normal(size=(6, 4))
        mean, std = random.normal(size=4).round(3), random.random(4).round(3) + 1
        text = "a,b,c,d,target\n"
        for row, label in zip(table.tolist(), self.labels, strict=True):
            text += f"{','.join(map(repr, row))},{label}\n"
        self.path("data.csv").write_text(text)
        sources = [self.path("data.csv"), self.save_data(x=table, target=self.labels)]
        options = ["--mean", ",".join(map(str, mean)), "--std", ",".join(map(str, std))]
        model = self.model([4])
        for data in sources:
            self.check(model, data, (table - mean) / std, *options)
            self.check(model, data, (table - 2) / 3, "--mean", "2", "--std", "3")
            self.refuse("expected 1 or 4", model, data, "--mean", "1,2")

    def refuse(self, culprit: str, model: pathlib.Path, data: object, *options: object) -> None:
        evaluate = ["evaluate", model, "--data", data, "--loss", "l1", *options]
        done = run(*evaluate)
        self.assertEqual(done.returncode, BAD_DATA, done.stderr)
        self.assertIn(culprit, done.stderr.splitlines()[-1])

    def test_what_cannot_be_honoured(self) -> None:
        model = self.model([4])
        data = self.save_data(x=np.ones((6, 4), np.float32), target=self.labels)
        self.refuse("--resize", model, data, "--resize", "2x2")
        self.refuse("--pad", model, data, "--pad", "2x2")
        model = self.model([3, 5, 4])
        floats = self.save_data("floats.npz", x=self.pixels / 255, target=self.labels)
        self.refuse("--resize", self.model([5, 4, 3]), floats, "--resize", "5x4")
        ids = self.save_data("ids.npz", x=np.ones((6, 4), np.int64), target=self.labels)
        self.refuse("fractions", self.model([4], TensorProto.INT64), ids, "--mean", "1")
        whole = self.model([3, 5, 4], TensorProto.UINT8)
        self.refuse("fractions", whole, self.picture_folder(), "--std", "2")
        model = self.model([3, 5, 4])
        self.refuse("expected 1 or 3", model, self.picture_folder(), "--mean", "1,2")

    def test_numbers_that_are_none(self) -> None:
        model = self.model([3, 5, 4])
        evaluate = ["evaluate", model, "--data", self.picture_folder(), "--loss", "l1"]
        for option, number in (
            ("--std", "0"),
            ("--std", "-1"),
            ("--std", "nan"),
            ("--std", "inf"),
            ("--std", "0.5,0,1"),
            ("--mean", "nan"),
            ("--mean", "inf"),
            ("--mean", "0.5,-inf,1"),
        ):
            done = run(*evaluate, f"{option}={number}")
            self.assertEqual(done.returncode, USAGE, f"{option} {number}: {done.stderr}")
            self.assertEqual(len(done.stderr.splitlines()), 1)
            self.assertIn(option, done.stderr)


class UnreadTest(ProgramTest):
    def test_arrays_that_nothing_reads(self) -> None:
        model = self.save(linear_model())
        data = self.save_data(**self.samples(), sample_weight=np.ones(12), id=np.arange(12))
        done = self.run_well("evaluate", model, "--data", data)
        note = f'note: data: "{data}": nothing reads "sample_weight", "id"'
        self.assertEqual(done.stderr.splitlines(), [note])
        plain = self.save_data("plain.npz", **self.samples())
        self.assertEqual(self.run_well("evaluate", model, "--data", plain).stderr, "")

    def test_columns_that_nothing_reads(self) -> None:
        nodes = [helper.make_node("Identity", ["x"], ["y"], name="id")]
        model = self.save(make_model(nodes, [], ["n", 1], ["n", 1]))
        self.path("data.csv").write_text("x,other,target\n1,2,3\n4,5,6\n")
        evaluate = ["evaluate", model, "--data", self.path("data.csv"), "--loss", "mse"]
        self.assertIn("nothing reads column other", self.run_well(*evaluate).stderr)


if __name__ == "__main__":
    unittest.main()
