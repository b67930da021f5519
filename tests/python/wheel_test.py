"""The wheel of `pip wheel .` in an environment of its own: five lines of Python, and the program.

python tests/python/wheel_test.py
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile

import numpy as np

ROOT = pathlib.Path(__file__).parents[2]
# The compilers and the base directory of scripts/build: what it has compiled is not compiled again.
BUILDING = {"CC": "cc", "CXX": "c++", "CCACHE_BASEDIR": str(ROOT), "CCACHE_NOHASHDIR": "1"}
FIVE_LINES = """
import numpy as np, strop
model = strop.load("model.onnx", seed=1)
arrays = np.load("data.npz")
strop.Trainer(model, optimizer="adam", epochs=3).fit(arrays["x"], arrays["target"])
model.save("python.onnx")
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
        building = ("--no-build-isolation", "--no-deps", "--wheel-dir", cls.work)
        define = "cmake.define.CMAKE_COMPILE_WARNING_AS_ERROR=ON"  # as scripts/build does
        settings = ("--config-settings", define)
        run(*pip, "wheel", ROOT, *building, *settings, env=os.environ | BUILDING)
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

    def test_the_wheel_holds_what_it_needs_and_names_no_build(self) -> None:
        with zipfile.ZipFile(self.wheel) as wheel:
            names = wheel.namelist()
            for name in ("strop/py.typed", "strop/_strop.pyi", "strop/__init__.py"):
                self.assertIn(name, names)
            metadata = wheel.read(next(n for n in names if n.endswith("/METADATA"))).decode()
        self.assertIn("License-Expression: Apache-2.0", metadata)
        self.assertIn("Requires-Python: >=3.11", metadata)
        [package] = self.environment.glob("lib/python*/site-packages/strop")
        self.assertTrue([path for path in package.iterdir() if path.name.startswith("libstrop.so")])
        for path in package.glob("*.so*"):
            self.assertNotIn(str(ROOT), run("readelf", "-d", path))


if __name__ == "__main__":
    unittest.main()
