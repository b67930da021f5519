"""Models whose weights lie in other files: what is read, and what an export leaves alone."""

import hashlib
import os
import pathlib
import re
import resource
import signal
import subprocess
import unittest

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from program import PROGRAM, ProgramTest, linear_model, make_model, run

WEIGHT_FILE = re.compile(r"(.*)\.[0-9a-f]{16}\.data")


def move_out(tensor: onnx.TensorProto, folder: pathlib.Path, location: str) -> None:
    """Puts a tensor's bytes into a file of their own."""
    (folder / location).parent.mkdir(exist_ok=True)
    (folder / location).write_bytes(tensor.raw_data)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)


def values(path: pathlib.Path) -> dict[str, np.ndarray]:
    return {t.name: numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer}


def locations(path: pathlib.Path) -> list[str]:
    model = onnx.load(path, load_external_data=False)
    entries = [entry for tensor in model.graph.initializer for entry in tensor.external_data]
    return [entry.value for entry in entries if entry.key == "location"]


class ExternalDataTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.data = self.save_data(**self.samples())

    def save_split(self, folder: pathlib.Path, *names: str) -> pathlib.Path:
        """A layer's weight and bias in files of these names."""
        folder.mkdir(exist_ok=True)
        model = linear_model()
        for tensor, name in zip(model.graph.initializer, names, strict=False):
            move_out(tensor, folder, name)
        path = folder / "model.onnx"
        path.write_bytes(model.SerializeToString())
        return path

    def train(self, model: pathlib.Path, output: pathlib.Path, *options: object) -> str:
        epochs = () if "--epochs" in options else ("--epochs", 2)
        arguments = ("--data", self.data, *epochs, *options, "-o", output)
        return self.run_well("train", model, *arguments).stderr

    def assert_same_values(self, path: pathlib.Path, expected: dict[str, np.ndarray]) -> None:
        found = values(path)
        self.assertEqual(found.keys(), expected.keys())
        for name, value in expected.items():
            np.testing.assert_array_equal(found[name], value, name)

    def trained_values(self, *options: object) -> dict[str, np.ndarray]:
        """What training gives where all weights are inside the model."""
        output = self.path("inside.onnx")
        self.train(self.save(linear_model(), "whole.onnx"), output, *options)
        return values(output)


class ExportTest(ExternalDataTest):
    def test_two_files_beside_the_input_stay_two(self) -> None:
        model = self.save_split(self.path("in"), "w.bin", "b.bin")
        before = {path: path.read_bytes() for path in self.path("in").iterdir()}
        expected = self.trained_values()
        self.path("elsewhere").mkdir()
        for output in (self.path("in") / "out.onnx", self.path("elsewhere") / "out.onnx"):
            self.train(model, output)
            self.assert_same_values(output, expected)
            feeds = {"x": self.samples()["x"]}
            onnxruntime.InferenceSession(output).run(None, feeds)
        for path, content in before.items():
            self.assertEqual(path.read_bytes(), content, path)

    def test_a_second_export_leaves_the_first_alone(self) -> None:
        model = self.save_split(self.path("in"), "model.onnx_data", "model.onnx_data.2")
        out = self.path("out")
        out.mkdir()
        (out / "model.onnx_data").write_bytes(b"somebody's own")
        self.train(model, out / "one.onnx")
        one = values(out / "one.onnx")
        self.train(model, out / "two.onnx", "--learning-rate", "0.3")
        self.assert_same_values(out / "one.onnx", one)
        self.assert_same_values(out / "two.onnx", self.trained_values("--learning-rate", "0.3"))
        self.assertEqual((out / "model.onnx_data").read_bytes(), b"somebody's own")
        for name in ("one.onnx", "two.onnx"):
            for location in locations(out / name):
                self.assertEqual(WEIGHT_FILE.fullmatch(location)[1], name)

    def test_the_same_output_again(self) -> None:
        model = self.save_split(self.path("in"), "w.bin")
        output = self.path("in") / "out.onnx"
        self.train(model, output)
        first = locations(output)
        self.train(model, output)  # the same weights: nothing new
        self.assertEqual(locations(output), first)
        notes = self.train(model, output, "--learning-rate", "0.3")
        self.assert_same_values(output, self.trained_values("--learning-rate", "0.3"))
        self.assertNotEqual(locations(output), first)
        self.assertIn(f'"{first[0]}" of earlier exports', notes)
        self.assertEqual(len(list(self.path("in").iterdir())), 5)

    def test_an_export_that_fails_leaves_the_old_model(self) -> None:
        weight = np.random.default_rng(0).normal(size=(4, 3000)).astype(np.float32)
        tensor = numpy_helper.from_array(weight, "w")
        move_out(tensor, self.folder, "w.bin")
        nodes = [helper.make_node("MatMul", ["x", "w"], ["y"], name="fc")]
        model = self.save(make_model(nodes, [tensor], ["n", 4], ["n", 3000]))
        output = self.path("out.onnx")
        self.train(model, output)
        old = values(output)
        files = sorted(self.folder.iterdir())
        options = ["--data", self.data, "--epochs", "1", "-o", output]
        done = subprocess.run(
            [PROGRAM, "train", model, *options],
            preexec_fn=lambda: (
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN),
                resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000)),
            ),
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.returncode, 74, done.stderr)
        self.assertEqual(sorted(self.folder.iterdir()), files)
        self.assert_same_values(output, old)

    def test_without_training_the_files_are_the_same(self) -> None:
        model = self.save_split(self.path("in"), "weights/w.bin", "b.bin")
        out = self.path("out")
        out.mkdir()
        for _ in range(2):
            self.train(model, out / "out.onnx", "--epochs", 0)
            self.assertEqual((out / "out.onnx").read_bytes(), model.read_bytes())
            for name in ("weights/w.bin", "b.bin"):
                self.assertEqual((out / name).read_bytes(), (model.parent / name).read_bytes())
        # Names that are taken, by a file, a link out of the folder, and the model itself.
        (out / "b.bin").write_bytes(b"somebody's own")
        (out / "linked").mkdir()
        (out / "linked" / "weights").symlink_to(self.path("in") / "weights")
        (out / "linked" / "b.bin").write_bytes(b"somebody's own")
        for output in (out / "out.onnx", out / "linked" / "out.onnx", out / "w.bin"):
            self.train(model, output, "--epochs", 0)
            self.assert_same_values(output, values(model))
            onnxruntime.InferenceSession(output)
        self.assertEqual((out / "b.bin").read_bytes(), b"somebody's own")
        beside = self.save_split(self.path("other"), "out.onnx")
        self.train(beside, out / "out.onnx", "--epochs", 0)
        self.assert_same_values(out / "out.onnx", values(beside))

    def test_a_checksum_of_the_old_content_goes(self) -> None:
        model = linear_model()
        for tensor in model.graph.initializer:
            content = hashlib.sha1(tensor.raw_data).hexdigest()
            move_out(tensor, self.folder, f"{tensor.name}.bin")
            tensor.external_data.add(key="checksum", value=content)
        self.train(self.save(model), self.path("out.onnx"), "--freeze", "b0")
        weight, bias = onnx.load(self.path("out.onnx"), load_external_data=False).graph.initializer
        self.assertEqual([entry.key for entry in weight.external_data], ["location"])
        self.assertEqual([entry.key for entry in bias.external_data], ["location", "checksum"])

    def test_the_best_model_of_a_search(self) -> None:
        model = self.save_split(self.path("in"), "w.bin", "b.bin")
        out = self.path("out")
        out.mkdir()
        (out / "b.bin").write_bytes(b"somebody's own")
        search = ("--search", "learning-rate=0.3", "--trials", 1, "--freeze", "b0")
        arguments = ("--data", self.data, "--epochs", 2, *search, "-o", out / "best.onnx")
        self.run_well("tune", model, *arguments)
        expected = self.trained_values("--learning-rate", "0.3", "--freeze", "b0")
        self.assert_same_values(out / "best.onnx", expected)
        self.assertEqual((out / "b.bin").read_bytes(), b"somebody's own")

    def test_a_new_network_over_an_old_one(self) -> None:
        path = self.path("net.onnx")
        self.path("net.onnx.data").write_bytes(b"somebody's own")
        networks = []
        for seed in (1, 2):
            self.run_well("new", "lenet5", "--external-data", "--seed", seed, "-o", path)
            networks.append((values(path), locations(path)))
            self.assertEqual(len(set(locations(path))), 1)
        self.assertEqual(self.path("net.onnx.data").read_bytes(), b"somebody's own")
        path.write_bytes(onnx.load(path, load_external_data=False).SerializeToString())
        self.assertTrue(all(self.path(name).exists() for _, names in networks for name in names))


class LinkedModelTest(ExternalDataTest):
    """Folders of links, as huggingface_hub keeps what it downloads; ONNX Runtime is the judge."""

    def setUp(self) -> None:
        super().setUp()
        blobs, snapshot = self.path("cache/blobs"), self.path("cache/snapshots/1f2e/onnx")
        blobs.mkdir(parents=True)
        snapshot.mkdir(parents=True)
        source = self.save_split(self.path("source"), "model.onnx_data")
        for name, blob in (("model.onnx", "c6ed"), ("model.onnx_data", "b879")):
            (blobs / blob).write_bytes((source.parent / name).read_bytes())
            (snapshot / name).symlink_to(f"../../../blobs/{blob}")
        self.model = snapshot / "model.onnx"
        self.link = snapshot / "model.onnx_data"
        self.whole = values(source)

    def is_accepted(self, path: pathlib.Path) -> bool:
        try:
            onnxruntime.InferenceSession(path)
            judged = True
        except onnxruntime.capi.onnxruntime_pybind11_state.Fail:
            judged = False
        done = run("evaluate", path, "--data", self.data)
        self.assertEqual(done.returncode == 0, judged, done.stderr)
        if not judged:
            self.assertEqual(done.returncode, 65, done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1)
        return judged

    def test_data_in_the_folder_of_the_real_model(self) -> None:
        self.assertTrue(self.is_accepted(self.model))
        for folder in (self.model.parent, self.folder):
            output = folder / "out.onnx"
            self.train(self.model, output, "--epochs", 0)
            session = onnxruntime.InferenceSession(output)
            self.assertEqual(len(session.get_inputs()), 1)
            done = run("evaluate", output, "--data", self.data)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.train(self.model, output)
            onnxruntime.InferenceSession(output)
        self.assertTrue(self.link.is_symlink())

    def test_every_kind_of_export(self) -> None:
        for options in (
            ("--lora", "*"),
            ("--lora", "*", "--lora-export", "onnx_adapter"),
            ("--quantize", "int8"),
            ("--replace-head", 3),
        ):
            with self.subTest(options):
                self.train(self.model, self.model.parent / "out.onnx", *options)
                onnxruntime.InferenceSession(self.model.parent / "out.onnx")

    def test_links_that_lead_elsewhere(self) -> None:
        outside = self.path("outside.bin")
        outside.write_bytes(self.link.read_bytes())
        self.link.unlink()
        self.link.symlink_to(outside)
        self.assertFalse(self.is_accepted(self.model))

    def test_a_folder_of_links_inside_that_leads_elsewhere(self) -> None:
        model = self.save_split(self.path("split"), "weights/w.bin")
        (model.parent / "weights").rename(self.path("moved"))
        (model.parent / "weights").symlink_to(self.path("moved"))
        self.assertFalse(self.is_accepted(model))

    def test_a_model_of_its_own_with_a_link_to_the_store(self) -> None:
        content = self.model.read_bytes()
        self.model.unlink()
        self.model.write_bytes(content)
        self.assertFalse(self.is_accepted(self.model))

    def test_no_file(self) -> None:
        for make in (os.mkfifo, os.mkdir):
            self.path("cache/blobs/b879").unlink(missing_ok=True)
            make(self.path("cache/blobs/b879"))
            done = run("evaluate", self.model, "--data", self.data, timeout=10)
            self.assertEqual(done.returncode, 65, done.stderr)
            self.assertIn("not a regular file", done.stderr)
            os.rmdir(self.path("cache/blobs/b879")) if make is os.mkdir else None

    def test_data_beside_the_real_model_alone(self) -> None:
        self.path("link.onnx").symlink_to(self.path("source") / "model.onnx")
        self.train(self.path("link.onnx"), self.path("out.onnx"))
        self.assertEqual(values(self.path("out.onnx")).keys(), self.whole.keys())


class UnderWayTest(ExternalDataTest):
    def start(self, model: pathlib.Path, data: object) -> subprocess.Popen:
        """A run that has taken its first step."""
        options = ["--data", data, "--epochs", "100000000", "--json", "--log-every", "1"]
        process = subprocess.Popen(
            [PROGRAM, "train", *map(str, [model, *options, "-o", self.path("out.onnx")])],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(process.kill)
        process.stdout.readline()
        return process

    def check_end(self, process: subprocess.Popen, name: str) -> None:
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 74, errors)
        self.assertEqual(len(errors.splitlines()), 1, errors)
        self.assertIn(f'{name}" has changed', errors)

    def test_weights_that_change(self) -> None:
        for name, change in {
            "cut": lambda path: os.truncate(path, 0),
            "written over": lambda path: path.write_bytes(bytes(path.stat().st_size)),
        }.items():
            with self.subTest(name):
                model = self.save_split(self.path("in"), "w.bin")
                process = self.start(model, self.data)
                change(self.path("in") / "w.bin")
                process.send_signal(signal.SIGINT)
                self.check_end(process, "w.bin")
                self.assertFalse(self.path("out.onnx").exists())

    def test_weights_that_another_file_replaces(self) -> None:
        model = self.save_split(self.path("in"), "w.bin")
        process = self.start(model, self.data)
        self.path("new.bin").write_bytes(bytes(48))
        self.path("new.bin").rename(self.path("in") / "w.bin")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, errors)
        self.assertTrue(np.any(values(self.path("out.onnx"))["w0"]))

    def test_samples_that_are_cut_off(self) -> None:
        random = np.random.default_rng(0)
        np.save(self.path("x.npy"), random.normal(size=(4000, 4)).astype(np.float32))
        np.save(self.path("y.npy"), random.integers(0, 3, 4000))
        data = f"{self.path('x.npy')},{self.path('y.npy')}"
        process = self.start(self.save(linear_model()), data)
        os.truncate(self.path("x.npy"), 4096)
        self.check_end(process, "x.npy")

    def test_more_files_than_can_be_open(self) -> None:
        count = 150
        nodes, tensors, name = [], [], "x"
        for i in range(count):
            weight = np.eye(4, dtype=np.float32) + np.float32(i / 10000)
            tensors.append(numpy_helper.from_array(weight, f"w{i}"))
            move_out(tensors[-1], self.folder, f"w{i}.bin")
            nodes.append(helper.make_node("MatMul", [name, f"w{i}"], [f"h{i}"], name=f"fc{i}"))
            name = f"h{i}"
        nodes[-1].output[0] = "y"
        model = self.save(make_model(nodes, tensors, ["n", 4], ["n", 4]))
        arguments = ["--data", self.data, "--epochs", "1", "-o", self.path("out.onnx")]
        done = subprocess.run(
            [PROGRAM, "train", *map(str, [model, *arguments])],
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)),
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(set(locations(self.path("out.onnx")))), count)

    def test_a_file_that_no_node_reads_is_missed_before_the_first_step(self) -> None:
        model = linear_model()
        extra = numpy_helper.from_array(np.zeros(4, np.float32), "unread")
        move_out(extra, self.folder, "unread.bin")
        model.graph.initializer.append(extra)
        self.path("unread.bin").unlink()
        arguments = ("--data", self.data, "--json", "-o", self.path("out.onnx"))
        done = run("train", self.save(model), *arguments)
        self.assertEqual(done.returncode, 66, done.stderr)
        self.assertIn("unread.bin", done.stderr)
        self.assertEqual(done.stdout, "")


if __name__ == "__main__":
    unittest.main()
