"""The module beneath the package: arrays without copies, callbacks, Ctrl-C, threads.

PYTHONPATH=build/release/python:tests/cli STROP_PROGRAM=build/release/strop \\
    python tests/python/module_test.py
"""

import gc
import json
import signal
import subprocess
import sys
import threading
import traceback
import unittest
import weakref

import ml_dtypes
import numpy as np
import strop  # noqa: F401  its errors are what the module raises
from onnx import TensorProto, helper
from program import ProgramTest, linear_model, make_model, run
from strop import _strop

ENDLESS = """
import sys
import numpy as np
import strop
from strop import _strop

model = _strop.Model.load(sys.argv[1])
with np.load(sys.argv[2]) as arrays:
    data = _strop.Data.arrays(dict(arrays))
options = [("epochs", "1000000000"), ("batch-size", "full"), ("optimizer", "adam")]
trainer = _strop.Trainer.make(model, data, None, options)
steps = 0

def count(step):
    global steps
    steps = step["step"]
    if steps == 3:
        print("running", flush=True)

try:
    trainer.fit(on_step=count)
except KeyboardInterrupt:
    model.run({"x": np.zeros((1, 4), np.float32)})
    model.save(sys.argv[3])
    print(steps)
"""


class ModuleTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.model_path = self.save(linear_model(hidden=8))
        self.arrays = self.samples(count=24)
        self.model = _strop.Model.load(self.model_path)

    def trainer(self, *options: tuple[str, str]) -> _strop.Trainer:
        data = _strop.Data.arrays(self.arrays)
        return _strop.Trainer.make(self.model, data, None, list(options))

    def test_a_run_is_the_program_s_to_the_bit(self) -> None:
        data = self.save_data(**self.arrays)
        expected = self.path("expected.onnx")
        self.run_well("train", self.model_path, "--data", data, "--epochs", 3, "-o", expected)
        self.trainer(("epochs", "3")).fit()
        self.model.save(self.path("saved.onnx"))
        self.assertEqual(self.path("saved.onnx").read_bytes(), expected.read_bytes())
        self.assertEqual(self.model.serialize(), expected.read_bytes())

    def test_a_reader_gives_the_bits_of_arrays(self) -> None:
        self.trainer(("epochs", "2")).fit()
        expected = self.model.serialize()
        model = _strop.Model.load(self.model_path)
        fields = [("x", "float32", [4]), ("target", "int64", [])]

        def read(indices: list[int]) -> list[np.ndarray]:
            return [self.arrays["x"][indices], self.arrays["target"][indices]]

        data = _strop.Data.reader(24, fields, read)
        _strop.Trainer.make(model, data, None, [("epochs", "2")]).fit()
        self.assertEqual(model.serialize(), expected)

    def test_what_a_reader_gives_is_checked(self) -> None:
        x, target = np.zeros((24, 4), np.float32), np.zeros(24, np.int64)
        fields = [("x", "float32", [4]), ("target", "int64", [])]
        for wrong, words in (
            (lambda i: [x[i]], "found 1 arrays, expected 2"),
            (lambda i: [x[i][:, :3], target[i]], r"expected float32 of \[\d+, 4\]"),
            (lambda i: [x[i].astype(np.float64), target[i]], "found float64 of"),
        ):
            data = _strop.Data.reader(24, fields, wrong)
            with self.assertRaisesRegex(ValueError, words):
                _strop.Trainer.make(self.model, data, None, [("epochs", "1")]).fit()

    def test_arrays_are_read_where_they_lie_and_kept(self) -> None:
        x = np.zeros((24, 4), np.float32)
        data = _strop.Data.arrays({"x": x, "target": np.zeros(24, np.int64)})
        trainer = _strop.Trainer.make(self.model, data, None, [])
        before = trainer.evaluate(data)
        x[:] = 7  # the same memory: the loss is another one
        self.assertNotEqual(trainer.evaluate(data), before)
        kept = weakref.ref(x)
        del x, data
        gc.collect()
        self.assertIsNotNone(kept())
        del trainer
        gc.collect()
        self.assertIsNone(kept())

    def test_every_type_and_read_only_arrays_come_in(self) -> None:
        expected = self.model.run({"x": np.ones((2, 4), np.float32)})["y"]
        for kind in ("f2", "f4", "f8", "?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"):
            given = np.ones((2, 4), kind)
            given.flags.writeable = False
            with self.subTest(kind=kind):
                np.testing.assert_array_equal(self.model.run({"x": given})["y"], expected)
        strided = np.ones((4, 4), np.float32)[::2]
        np.testing.assert_array_equal(self.model.run({"x": strided})["y"], expected)
        for given in ([[1.0]], np.array([["a"]]), None, np.array([object()])):
            with self.subTest(given=given), self.assertRaisesRegex(TypeError, 'array "x": found'):
                self.model.run({"x": given})

    def test_bfloat16_is_that_of_ml_dtypes(self) -> None:
        node = helper.make_node("Cast", ["x"], ["y"], to=TensorProto.BFLOAT16)
        proto = make_model([node], [], ["n", 4], ["n", 4])
        proto.graph.output[0].type.tensor_type.elem_type = TensorProto.BFLOAT16
        model = _strop.Model.load_bytes(proto.SerializeToString())
        self.assertEqual(model.outputs(), [("y", "bfloat16", (None, 4))])
        halves = self.arrays["x"].astype(ml_dtypes.bfloat16)
        for given in (self.arrays["x"], halves):
            found = model.run({"x": given})["y"]
            self.assertEqual(found.dtype, halves.dtype)
            np.testing.assert_array_equal(found, halves)

    def test_outputs_own_their_elements(self) -> None:
        output = self.model.run({"x": self.arrays["x"]})["y"]
        copy = output.copy()
        self.assertFalse(output.flags.owndata)  # a view of what the library made
        self.model.run({"x": self.arrays["x"] + 1})
        del self.model
        gc.collect()
        np.testing.assert_array_equal(output, copy)

    def test_what_a_callback_raises_ends_the_run(self) -> None:
        class Mine(Exception):
            pass

        def fail(step: dict[str, float]) -> None:
            if step["step"] == 2:
                raise Mine("on purpose")

        trainer = self.trainer(("epochs", "9"), ("batch-size", "8"))
        frames: list[str] = []
        try:
            trainer.fit(on_step=fail)
        except Mine as raised:
            frames = [frame.name for frame in traceback.extract_tb(raised.__traceback__)]
        self.assertEqual(frames, ["test_what_a_callback_raises_ends_the_run", "fail"])
        self.model.run({"x": self.arrays["x"]})

    def test_a_model_in_use_is_refused_in_its_callbacks(self) -> None:
        def ask(_: dict[str, float]) -> None:
            self.model.run({"x": self.arrays["x"]})

        with self.assertRaisesRegex(ValueError, "the model is in use"):
            self.trainer(("epochs", "1")).fit(on_step=ask)

    def test_should_stop_ends_the_run(self) -> None:
        result = self.trainer(("epochs", "9"), ("batch-size", "8")).fit(should_stop=lambda: True)
        self.assertTrue(result["was_stopped"])
        self.assertEqual(result["steps"], 1)

    def test_ctrl_c_leaves_the_weights_of_the_last_step(self) -> None:
        data, saved = self.save_data(**self.arrays), self.path("saved.onnx")
        child = subprocess.Popen(
            [sys.executable, "-c", ENDLESS, self.model_path, data, saved],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(child.kill)
        self.assertEqual(child.stdout.readline(), "running\n")
        child.send_signal(signal.SIGINT)
        output, _ = child.communicate(timeout=60)
        self.assertEqual(child.returncode, 0)
        # The signal may have come in the callback, before it counted the step.
        possible = []
        for steps in (int(output), int(output) + 1):
            path = self.path(f"{steps}.onnx")
            self.run_well(
                *("train", self.model_path, "--data", data, "--batch-size", "full"),
                *("--optimizer", "adam", "--epochs", steps, "-o", path),
            )
            possible.append(path.read_bytes())
        self.assertNotEqual(*possible)
        self.assertIn(saved.read_bytes(), possible)

    def test_threads_train_at_once_with_the_bits_of_one(self) -> None:
        self.trainer(("epochs", "20")).fit()
        expected = self.model.serialize()
        models = [_strop.Model.load(self.model_path) for _ in range(2)]
        both_run = threading.Barrier(2, timeout=60)
        failures: list[BaseException] = []

        def train(model: _strop.Model) -> None:
            try:
                data = _strop.Data.arrays(self.arrays)
                trainer = _strop.Trainer.make(model, data, None, [("epochs", "20")])
                # Neither gets past its first epoch unless the other one runs, too.
                trainer.fit(on_epoch=lambda epoch: epoch["epoch"] == 1 and both_run.wait())
            except BaseException as failure:
                failures.append(failure)

        threads = [threading.Thread(target=train, args=(model,)) for model in models]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual([model.serialize() for model in models], [expected] * 2)

    def test_one_model_takes_the_calls_of_threads_in_turn(self) -> None:
        inputs = {"x": self.arrays["x"]}
        expected = self.model.run(inputs)["y"]
        outputs: list[np.ndarray] = []

        def ask() -> None:
            outputs.extend(self.model.run(inputs)["y"] for _ in range(200))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(outputs), 800)
        for output in outputs:
            np.testing.assert_array_equal(output, expected)

    def test_what_is_not_there_is_python_s_own_error(self) -> None:
        with self.assertRaisesRegex(FileNotFoundError, "none.onnx"):
            _strop.Model.load(self.path("none.onnx"))
        with self.assertRaisesRegex(ValueError, "learning-rat"):
            self.trainer(("learning-rat", "1"))
        self.assertEqual(run("--version").stdout.strip(), _strop.version())

    def test_options_are_the_program_s(self) -> None:
        listed = json.loads(run("--list-options").stdout)
        rows = {entry["command"]: entry["options"] for entry in listed}
        for entry in json.loads(_strop.list_options()):
            if entry["command"] == "train":
                self.assertEqual(entry["options"], rows["train"])
            self.assertIn(entry["command"], rows)


if __name__ == "__main__":
    unittest.main()
