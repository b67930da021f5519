"""The wheel of scripts/wheel in an environment of its own: five lines of Python, and the program.

python tests/python/wheel_test.py
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile

import numpy as np
import onnx
from onnx.numpy_helper import to_array

ROOT = pathlib.Path(__file__).parents[2]
FIVE_LINES = """
import numpy as np, strop
model = strop.load("model.onnx", seed=1)
arrays = np.load("data.npz")
strop.Trainer(model, optimizer="adam", epochs=3).fit(arrays["x"], arrays["target"])
model.save("python.onnx")
"""
QUICKSTART = """
import json, strop
model = strop.load("quickstart/text_direction.onnx", replace_head=10, seed=1)
given = dict(pad="48x192", mean=0.5, std=0.5, batch_norm="train", optimizer="adamw")
strop.Trainer(model, learning_rate=2e-3, epochs=6, **given).fit("quickstart/digits/train")
trainer = strop.Trainer(model, learning_rate=2e-4, epochs=2, seed=0, metric="accuracy", **given)
trainer.fit("quickstart/digits/train", validation_data="quickstart/digits/test")
model.save("five.onnx")
print(json.dumps(trainer.evaluate("quickstart/digits/test")["accuracy"]))
"""


def run(*command: object, **options: object) -> str:
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{words}:\n{done.stdout}{done.stderr}"
    return done.stdout


class WheelTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.work = pathlib.Path(folder.name)
        pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
        run(ROOT / "scripts/wheel", cls.work)
        [cls.wheel] = cls.work.glob("*.whl")
        cls.environment = cls.work / "environment"
        run(sys.executable, "-m", "venv", "--without-pip", cls.environment)
        cls.python = cls.environment / "bin/python"
        run(*pip, "--python", cls.python, "install", "--no-index", "--no-deps", cls.wheel)
        # NumPy, which the package needs, and nothing else of this environment.
        [packages] = cls.environment.glob("lib/python*/site-packages")
        found = pathlib.Path(np.__file__).parent
        for needed in (found, found.parent / "numpy.libs"):
            (packages / needed.name).symlink_to(needed)

    def isolated(self, *command: object) -> str:
        """What a command prints that sees nothing of where the wheel was built."""
        return run(*command, cwd=self.work, env={"PATH": "/nowhere", "HOME": str(self.work)})

    def test_five_lines_are_the_installed_program_s_run(self) -> None:
        program = self.environment / "bin/strop"
        self.assertFalse(shutil.which("strop", path="/nowhere"))
        size = ("--input", 6, "--classes", 3, "--width", 8, "--seed", 1)
        self.isolated(program, "new", "mlp", *size, "-o", "model.onnx")
        random = np.random.default_rng(2)
        x = random.normal(size=(40, 6)).astype(np.float32)
        np.savez(self.work / "data.npz", x=x, target=random.integers(0, 3, 40))
        self.isolated(self.python, "-I", "-c", FIVE_LINES)
        data = self.work / "named.npz"
        np.savez(data, features=x, target=np.load(self.work / "data.npz")["target"])
        options = ("--optimizer", "adam", "--epochs", 3, "--seed", 1)
        self.isolated(program, "train", "model.onnx", "--data", data, *options, "-o", "cli.onnx")
        expected = (self.work / "cli.onnx").read_bytes()
        self.assertEqual((self.work / "python.onnx").read_bytes(), expected)
        version = self.isolated(self.python, "-I", "-c", "import strop; print(strop.__version__)")
        self.assertEqual(version, self.isolated(program, "--version"))
        self.assertIn(f"strop-{version.strip()}-", self.wheel.name)

    def test_the_quickstart_in_five_lines(self) -> None:
        """scripts/quickstart in the environment of the wheel: its accuracy, and its file's bits."""
        cache = run("bash", ROOT / "scripts/cache_paths.sh", "cache_dir").strip()
        run(sys.executable, ROOT / "models/quickstart/prepare.py", cache, self.work / "quickstart")
        program = self.environment / "bin/strop"
        data = ("--data", "quickstart/digits/train", "--pad", "48x192", "--mean", 0.5, "--std", 0.5)
        shared = (*data, "--loss", "cross_entropy", "--batch-norm", "train", "--optimizer", "adamw")
        self.isolated(
            *(program, "train", "quickstart/text_direction.onnx", "--replace-head", 10, *shared),
            *("--seed", 1, "--learning-rate", 2e-3, "--epochs", 6, "-o", "quick.onnx"),
        )
        self.isolated(
            *(program, "train", "quick.onnx", *shared, "--learning-rate", 2e-4, "--epochs", 2),
            *("-o", "digits.onnx"),
        )
        found = self.isolated(self.python, "-I", "-c", QUICKSTART)
        self.assertGreaterEqual(json.loads(found), 0.99)
        expected = (self.work / "digits.onnx").read_bytes()
        self.assertEqual((self.work / "five.onnx").read_bytes(), expected)

    def test_the_wheel_holds_what_it_needs_and_names_no_build(self) -> None:
        with zipfile.ZipFile(self.wheel) as wheel:
            names = wheel.namelist()
            made = ("_strop.pyi", "option_types.py", "operations.py")
            for name in ("py.typed", "__init__.py", *made):
                self.assertIn(f"strop/{name}", names)
            metadata = wheel.read(next(n for n in names if n.endswith("/METADATA"))).decode()
        self.assertIn("License-Expression: Apache-2.0", metadata)
        self.assertIn("Requires-Python: >=3.11", metadata)
        [package] = self.environment.glob("lib/python*/site-packages/strop")
        self.assertTrue([path for path in package.iterdir() if path.name.startswith("libstrop.so")])
        for path in package.glob("*.so*"):
            self.assertNotIn(str(ROOT), run("readelf", "-d", path))

    def test_every_library_inside_has_its_licence(self) -> None:
        self.assertLess(self.wheel.stat().st_size, 60e6)
        self.assertRegex(self.wheel.name, r"-cp3\d+-cp3\d+-manylinux_2_\d+_x86_64\.whl$")
        with zipfile.ZipFile(self.wheel) as wheel:
            names = wheel.namelist()
            [listed] = [name for name in names if re.search(r"/sboms/.*\.json$", name)]
            components = json.loads(wheel.read(listed))["components"]
        packages = {each["name"] for each in components if "pkg:deb/" in each["purl"]}
        self.assertIn("libdnnl2", packages)
        for package in packages:
            license_name = f"/licenses/libraries/{package}/copyright"
            self.assertTrue([name for name in names if name.endswith(license_name)], package)
        libraries = [name for name in names if name.startswith("strop.libs/") and ".so" in name]
        self.assertLessEqual(len(packages), len(libraries))
        self.assertTrue([name for name in names if name.endswith("/licenses/copyright")])

    def test_it_trains_without_avx512(self) -> None:
        size = ("--input", 6, "--classes", 3, "--width", 8, "--seed", 1)
        self.isolated(self.environment / "bin/strop", "new", "mlp", *size, "-o", "model.onnx")
        random = np.random.default_rng(2)
        x = random.normal(size=(40, 6)).astype(np.float32)
        np.savez(self.work / "data.npz", x=x, target=random.integers(0, 3, 40))
        environment = {"PATH": "/nowhere", "HOME": str(self.work), "DNNL_MAX_CPU_ISA": "AVX2"}
        narrow = f"{FIVE_LINES}model.save('narrow.onnx')\n"
        run(self.python, "-I", "-c", narrow, cwd=self.work, env=environment)
        self.isolated(self.python, "-I", "-c", FIVE_LINES)
        found, expected = (
            onnx.load(self.work / name).graph.initializer for name in ("narrow.onnx", "python.onnx")
        )
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(to_array(one), to_array(other), rtol=1e-4, atol=1e-6)


if __name__ == "__main__":
    unittest.main()
