"""The quickstart's network, trained, in the runtimes of others: the same outputs for its pictures.

ONNX Runtime, OpenVINO, OpenCV's dnn and ONNX Runtime for Node.js. Its training here is one pass of
eight. Needs what `scripts/setup --neighbours` brings, and the Python of the other tests, which
draws the digits.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import cv2
import numpy as np
import onnxruntime
import openvino
import strop

ROOT = pathlib.Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "models/quickstart"))
from compare import load_pictures  # noqa: E402

TOLERANCE = 1e-3
NODE_PROGRAM = """
const fs = require('fs');
const runtime = require('onnxruntime-node');
const [model, pictures, outputs] = process.argv.slice(2);

async function main() {
  const session = await runtime.InferenceSession.create(model);
  const content = fs.readFileSync(pictures);
  const numbers = new Float32Array(content.buffer, content.byteOffset, content.length / 4);
  const size = 3 * 48 * 192;
  const shape = [numbers.length / size, 3, 48, 192];
  const feeds = { [session.inputNames[0]]: new runtime.Tensor('float32', numbers, shape) };
  const found = (await session.run(feeds))[session.outputNames[0]];
  fs.writeFileSync(outputs, Buffer.from(found.data.buffer));
  console.log(JSON.stringify(found.dims));
}
main();
"""


def cached(name: str) -> str:
    command = ["bash", str(ROOT / "scripts/cache_paths.sh"), name]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def run(*command: object, **options: object) -> str:
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{words}:\n{done.stdout}{done.stderr}"
    return done.stdout


class RuntimesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.work = pathlib.Path(folder.name) / "quickstart"
        prepare = ROOT / "models/quickstart/prepare.py"
        run(cached("test_python"), prepare, cached("cache_dir"), cls.work)
        model = strop.load(cls.work / "text_direction.onnx", replace_head=10, seed=1)
        trainer = strop.Trainer(
            model,
            batch_norm="train",
            learning_rate=2e-3,
            batch_size=32,
            mean=0.5,
            std=0.5,
            pad="48x192",
        )
        trainer.fit(cls.work / "digits/train")
        cls.path = cls.work / "digits.onnx"
        model.save(cls.path)
        cls.pictures, cls.labels = load_pictures(cls.work / "digits/test")
        [cls.expected] = model.run(cls.pictures).values()

    def check(self, outputs: np.ndarray) -> None:
        self.assertEqual(outputs.shape, (360, 10))
        difference = float(np.abs(outputs - self.expected).max())
        print(f"{self.id().split('.')[-1]}: {difference:.1e}", file=sys.stderr)
        self.assertLess(difference, TOLERANCE)

    def test_it_has_learned(self) -> None:
        """So equal outputs are not those of a network that says one thing to all."""
        accuracy = float((self.expected.argmax(axis=1) == self.labels).mean())
        self.assertGreater(accuracy, 0.5)
        self.assertGreater(np.ptp(self.expected, axis=0).min(), 0.1)

    def test_onnx_runtime(self) -> None:
        session = onnxruntime.InferenceSession(self.path, providers=["CPUExecutionProvider"])
        [outputs] = session.run(None, {session.get_inputs()[0].name: self.pictures})
        self.check(outputs)

    def test_openvino(self) -> None:
        core = openvino.Core()
        # By itself it computes in bfloat16 where the processor can.
        exact = {"INFERENCE_PRECISION_HINT": "f32"}
        compiled = core.compile_model(core.read_model(self.path), "CPU", exact)
        self.check(compiled(self.pictures)[0])

    def test_opencv(self) -> None:
        network = cv2.dnn.readNetFromONNX(str(self.path))
        network.setInput(self.pictures)
        self.check(network.forward())

    def test_onnx_runtime_in_node(self) -> None:
        environment = pathlib.Path(cached("neighbours_environment"))
        pictures, outputs = self.work / "pictures.bin", self.work / "outputs.bin"
        self.pictures.tofile(pictures)
        program = self.work / "program.js"
        program.write_text(NODE_PROGRAM)
        where = {**os.environ, "NODE_PATH": str(environment / "node/node_modules")}
        said = run(environment / "bin/node", program, self.path, pictures, outputs, env=where)
        self.check(np.fromfile(outputs, np.float32).reshape(json.loads(said)))


if __name__ == "__main__":
    unittest.main()
