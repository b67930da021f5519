"""Which number a class has: that of the model's training, whatever classes other data have.

What is right is counted by NumPy from what ONNX Runtime computes of the same pixels."""

import ast
import json
import pathlib
import re
import unittest

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper
from PIL import Image
from program import ProgramTest, linear_model, make_model, run

BAD_DATA = 65
CLASSES = ["0", "180", "270", "90"]
POINTS = {"ant": (0.0, 0.0), "bee": (4.0, 0.0), "cat": (0.0, 4.0)}


def picture_model(classes: int = 4) -> onnx.ModelProto:
    random = np.random.default_rng(3)
    weight = random.normal(size=(3 * 4 * 4, classes)).astype(np.float32) / 7
    tensors = [
        numpy_helper.from_array(weight, "w"),
        numpy_helper.from_array(np.zeros(classes, np.float32), "b"),
    ]
    nodes = [
        helper.make_node("Flatten", ["x"], ["flat"]),
        helper.make_node("Gemm", ["flat", "w", "b"], ["y"], name="fc"),
    ]
    return make_model(nodes, tensors, ["n", 3, 4, 4], ["n", classes])


class ClassNamesTest(ProgramTest):
    def pictures(self, name: str, classes: list[str], count: int = 12) -> pathlib.Path:
        """Pictures of CLASSES, each bright along another edge."""
        random = np.random.default_rng(len(name))
        edges = [np.s_[:1], np.s_[3:], np.s_[:, :1], np.s_[:, 3:]]
        for label in classes:
            (self.path(name) / label).mkdir(parents=True)
            for i in range(count):
                pixels = random.integers(0, 60, (4, 4, 3)).astype(np.uint8)
                pixels[edges[CLASSES.index(label) if label in CLASSES else 0]] += 190
                Image.fromarray(pixels).save(self.path(name) / label / f"{i:02}.png")
        return self.path(name)

    def table(self, name: str, classes: list[str], count: int = 20) -> pathlib.Path:
        random = np.random.default_rng(7)
        lines = ["f1,f2,kind"]
        for label in classes:
            for _ in range(count):
                x = np.array(POINTS[label]) + random.normal(size=2) * 0.5
                lines.append(f"{x[0]:.4f},{x[1]:.4f},{label}")
        self.path(name).write_text("\n".join(lines) + "\n")
        return self.path(name)

    def truth(self, model: pathlib.Path, folder: pathlib.Path) -> float:
        """Accuracy by the training's classes."""
        session = onnxruntime.InferenceSession(model)
        right = []
        for path in sorted(folder.glob("*/*.png")):
            pixels = np.asarray(Image.open(path), np.float32).transpose(2, 0, 1)[None] / 255
            found = session.run(None, {"x": pixels})[0].argmax()
            right.append(CLASSES[found] == path.parent.name)
        return float(np.mean(right))

    def train(self, data: pathlib.Path, *options: object, output: str = "out.onnx") -> str:
        """What was said."""
        model = self.save(picture_model())
        recipe = ("--epochs", 12, "--optimizer", "adam", "--learning-rate", 0.01)
        done = self.run_well(
            "train", model, "--data", data, *recipe, *options, "-o", self.path(output)
        )
        return done.stdout + done.stderr

    def evaluate(self, model: pathlib.Path, data: pathlib.Path, *options: object) -> dict:
        asked = ("--metric", "accuracy", "--confusion-matrix", "--json")
        return json.loads(self.run_well("evaluate", model, "--data", data, *asked, *options).stdout)

    def refuse(self, *arguments: object) -> str:
        done = run(*arguments)
        self.assertEqual(done.returncode, BAD_DATA, done.stderr)
        lines = done.stderr.strip().splitlines()
        self.assertEqual(len([line for line in lines if line.startswith("strop ")]), 1, lines)
        return lines[-1]

    def test_a_folder_that_lacks_a_class(self) -> None:
        training = self.pictures("train", CLASSES)
        test = self.pictures("test", ["0", "270", "90"])
        said = self.train(training)
        output = self.path("out.onnx")
        truth = self.truth(output, test)
        self.assertGreater(truth, 0.9)
        problem = self.refuse("evaluate", output, "--data", test)
        for word in ("3 classes (0, 270, 90)", "has 4", "--class-names"):
            self.assertIn(word, problem)
        advice = re.search(r"--class-names (\S+),", said).group(1)
        for names in (advice, training):
            found = self.evaluate(output, test, "--class-names", names)
            self.assertEqual(found["accuracy"], truth)
            self.assertEqual(found["classes"], CLASSES)
            self.assertEqual(np.sum(found["confusion_matrix"][1]), 0)
        self.assertEqual(self.evaluate(output, training)["accuracy"], 1)

    def test_validation_data_that_lack_a_class(self) -> None:
        test = self.pictures("test", ["0", "270", "90"])
        options = ("--validation-data", test, "--json")
        said = self.train(self.pictures("train", CLASSES), *options)
        last = [json.loads(line) for line in said.splitlines() if line.startswith("{")][-1]
        self.assertEqual(last["accuracy"], self.truth(self.path("out.onnx"), test))

    def test_names_in_the_file(self) -> None:
        training = self.pictures("train", CLASSES)
        test = self.pictures("test", ["0", "270", "90"])
        self.train(training)
        said = self.train(training, "--write-class-names", output="named.onnx")
        self.assertNotIn("--class-names", said)
        plain = self.path("out.onnx").read_bytes()
        named = self.path("named.onnx").read_bytes()
        self.assertTrue(named.startswith(plain))
        metadata = {p.key: p.value for p in onnx.load(self.path("named.onnx")).metadata_props}
        self.assertEqual(ast.literal_eval(metadata["names"]), dict(enumerate(CLASSES)))
        found = self.evaluate(self.path("named.onnx"), test)
        self.assertEqual(found["accuracy"], self.truth(self.path("named.onnx"), test))
        # Trained on, the file keeps its own, and needs no folder of each class.
        again = ("--data", test, "--epochs", 0, "-o", self.path("again.onnx"))
        self.run_well("train", self.path("named.onnx"), *again)
        self.assertEqual(self.path("again.onnx").read_bytes(), named)

    def test_names_of_a_run(self) -> None:
        run_folder = self.path("run")
        self.train(self.pictures("train", CLASSES), "--run-directory", run_folder)
        self.assertEqual(json.loads((run_folder / "class_names.json").read_text()), CLASSES)
        test = self.pictures("test", ["180"])
        found = self.evaluate(self.path("out.onnx"), test, "--class-names", run_folder)
        self.assertEqual(found["accuracy"], self.truth(self.path("out.onnx"), test))

    def test_text_labels(self) -> None:
        model = self.save(linear_model(2, 3))
        training = self.table("train.csv", list(POINTS))
        recipe = ("--target", "kind", "--epochs", 40, "--optimizer", "adam")
        output = self.path("out.onnx")
        self.run_well(
            *("train", model, "--data", training, *recipe, "--learning-rate", 0.1, "-o", output)
        )
        test = self.table("test.csv", ["ant", "cat"])
        problem = self.refuse("evaluate", output, "--data", test, "--target", "kind")
        self.assertIn("2 classes (ant, cat)", problem)
        rows = [line.split(",") for line in test.read_text().splitlines()[1:]]
        x = np.array([row[:2] for row in rows], np.float32)
        session = onnxruntime.InferenceSession(output)
        found = np.array(list(POINTS))[session.run(None, {"x": x})[0].argmax(1)]
        truth = np.mean(found == np.array([row[2] for row in rows]))
        self.path("names.txt").write_text("ant\r\nbee\r\ncat\r\n")
        for names in ("ant,bee,cat", training, self.path("names.txt")):
            options = ("--target", "kind", "--class-names", names)
            self.assertEqual(self.evaluate(output, test, *options)["accuracy"], truth)

    def test_numbers_stay_numbers_unless_a_name_is_one(self) -> None:
        model = self.save(linear_model(2, 3))
        rows = ["0.5,1,2", "1,0,0", "0,2,1"]
        self.path("data.csv").write_text("a,b,target\n" + "\n".join(rows) + "\n")
        arrays = np.array([row.split(",") for row in rows], np.float64)
        data = self.save_data(x=arrays[:, :2], target=arrays[:, 2].astype(np.int64))
        expected = self.evaluate(model, data)
        found = self.evaluate(model, self.path("data.csv"), "--class-names", "a,b,c")
        self.assertEqual(found["loss"], expected["loss"])
        found = self.evaluate(model, self.path("data.csv"), "--class-names", "1,2,0")
        shifted = self.save_data("shifted.npz", x=arrays[:, :2], target=np.array([1, 2, 0]))
        self.assertEqual(found["loss"], self.evaluate(model, shifted)["loss"])

    def test_classes_that_the_model_lacks(self) -> None:
        model = self.save(picture_model())
        test = self.pictures("test", ["0", "45", "60"])
        problem = self.refuse(
            *("evaluate", model, "--data", test, "--class-names", ",".join(CLASSES))
        )
        for word in ("classes 45, 60", "0, 180, 270, 90"):
            self.assertIn(word, problem)
        more = self.pictures("more", [*CLASSES, "45"])
        problem = self.refuse(
            *("train", model, "--data", more, "--epochs", 1, "-o", self.path("o.onnx"))
        )
        self.assertIn("5 classes", problem)
        replaced = re.search(r"--replace-head \d+", problem).group().split()
        self.run_well(
            *("train", model, "--data", more, "--epochs", 0, *replaced, "-o", self.path("o.onnx"))
        )

    def test_commands_that_train_or_measure_refuse_too(self) -> None:
        model = self.save(picture_model())
        test = self.pictures("test", ["0", "270", "90"])
        page = self.path("page.html")
        for command in (
            ("train", model, "-o", self.path("o.onnx")),
            ("find-learning-rate", model, "--steps", 20),
            ("landscape", model, "--resolution", 2, "-o", page),
            ("study", "batch-size", "--model", model, "--seeds", 1),
        ):
            with self.subTest(command=command[0]):
                problem = self.refuse(*command, "--data", test)
                self.assertIn("3 classes (0, 270, 90)", problem)
        names = ("--class-names", ",".join(CLASSES))
        self.run_well("landscape", model, "--data", test, "--resolution", 2, "-o", page, *names)
        tuned = ("--search", "learning-rate=0.1", "--strategy", "grid", "-o", self.path("t.onnx"))
        self.run_well("tune", model, "--data", test, *tuned, *names)

    def test_metadata_of_others(self) -> None:
        names = ["it's", 'a "b"', "back\\slash", "ä"]
        data = self.save_data(x=np.eye(4, 4, dtype=np.float32), target=np.arange(4))
        for key, text in {
            "names": str(dict(enumerate(names))),
            "labels": json.dumps(names),
            "id2label": json.dumps(dict(enumerate(names))),
            "class_names": str(names),
        }.items():
            with self.subTest(key=key):
                model = linear_model(4, 4)
                model.metadata_props.add(key=key, value=text)
                self.assertEqual(self.evaluate(self.save(model), data)["classes"], names)
        model = linear_model(4, 4)
        for text in (str(names), str(names[::-1])):  # which of the two?
            model.metadata_props.add(key="names" if text == str(names) else "labels", value=text)
        self.assertNotIn("classes", self.evaluate(self.save(model), data))
        model = linear_model(4, 4)
        model.metadata_props.add(key="names", value=str(names[:3]))  # of no output
        self.assertNotIn("classes", self.evaluate(self.save(model), data))

    def test_names_of_a_replaced_head(self) -> None:
        model = picture_model()
        model.metadata_props.add(key="names", value=str(dict(enumerate("abcd"))))
        output = self.path("out.onnx")
        data = self.pictures("train", ["0", "180"])
        arguments = ("--data", data, "--replace-head", 2, "--epochs", 1, "-o", output)
        done = self.run_well("train", self.save(model), *arguments)
        self.assertIn("new head", done.stderr)
        metadata = {p.key: p.value for p in onnx.load(output).metadata_props}
        self.assertEqual(ast.literal_eval(metadata["names"]), {0: "0", 1: "180"})


if __name__ == "__main__":
    unittest.main()
