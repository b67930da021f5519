"""Builds the examples against what is installed, and nothing else, as their users do; their losses
and files are those of the program beside them.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from program import PROGRAM

ROOT = pathlib.Path(__file__).parents[2]
BUILD = pathlib.Path(PROGRAM).parent
DIGITS = ROOT / "models/data/digits.csv.gz"


def run(*command: object, **more: object) -> str:
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, **more)
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def losses_of(printed: str) -> list[float]:
    return [float(loss) for loss in re.findall(r"loss (\S+)", printed)]


class Consumers(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.work = pathlib.Path(folder.name)
        installed = cls.work / "installed"
        run("cmake", "--install", BUILD, "--prefix", installed)
        packed = cls.work / "packed"
        run(
            *("cpack", "--config", BUILD / "CPackConfig.cmake", "-B", packed),
            *("-D", f"CPACK_OUTPUT_FILE_PREFIX={packed}"),
        )
        [cls.package] = packed.glob("*.deb")
        run("dpkg-deb", "-x", cls.package, cls.work / "unpacked")
        cls.prefixes = {"installed": installed, "unpacked": cls.work / "unpacked/usr"}
        cls.digits = cls.work / "digits.csv"
        cls.digits.write_text(run("gzip", "-dc", DIGITS))

    def program(self, prefix: pathlib.Path, *words: object) -> str:
        """What the installed program prints."""
        return run(prefix / "bin/strop", *words)

    def train(self, prefix: pathlib.Path, model: pathlib.Path, *options: object) -> list[float]:
        """The losses of the program's own run, and `model` with .trained behind it."""
        printed = self.program(
            *(prefix, "train", model, "--data", self.digits, *options),
            *("--json", "-o", model.with_suffix(".trained")),
        )
        records = [json.loads(line) for line in printed.splitlines()]
        return [record["train_loss"] for record in records if "train_loss" in record]

    def built(self, prefix: pathlib.Path, example: str) -> pathlib.Path:
        """An example's program, from a copy that sees the prefix alone."""
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.work))
        shutil.copytree(prefix / "share/doc/strop/examples" / example, folder / example)
        build = folder / "build"
        run("cmake", "-S", folder / example, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}")
        [found] = re.findall(r"^strop_DIR:PATH=(.*)$", (build / "CMakeCache.txt").read_text(), re.M)
        self.assertTrue(pathlib.Path(found).is_relative_to(prefix), found)
        run("cmake", "--build", build)
        [program] = [path for path in build.iterdir() if path.name in ("fine_tune", "outside_loss")]
        return program

    def model(self, prefix: pathlib.Path, classes: int) -> pathlib.Path:
        path = pathlib.Path(tempfile.mkdtemp(dir=self.work)) / "model.onnx"
        size = ("--input", 64, "--classes", classes, "--width", 32)
        self.program(prefix, "new", "mlp", *size, "--seed", 1, "-o", path)
        return path

    def test_examples_of_fine_tuning_are_the_program_s_run(self) -> None:
        for name, prefix in self.prefixes.items():
            model = self.model(prefix, 10)
            options = ("--loss", "cross_entropy", "--optimizer", "adam", "--learning-rate", "1e-3")
            more = ("--batch-size", 32, "--epochs", 3, "--seed", 1)
            expected = self.train(prefix, model, *options, *more)
            self.assertEqual(len(expected), 3)
            # In C the unpacked one is built by pkg-config, below.
            examples = ("fine_tune_cpp", "fine_tune_c")[: 2 if name == "installed" else 1]
            for example in examples:
                with self.subTest(name=name, example=example):
                    tuned = model.with_suffix(f".{example}")
                    printed = run(self.built(prefix, example), model, self.digits, tuned)
                    self.assertEqual(losses_of(printed), expected)
                    same = model.with_suffix(".trained").read_bytes()
                    self.assertEqual(tuned.read_bytes(), same)

    def test_the_loss_outside_is_the_loss_inside(self) -> None:
        prefix = self.prefixes["installed"]
        model = self.model(prefix, 1)
        options = ("--loss", "mse", "--optimizer", "sgd", "--learning-rate", "1e-4")
        more = ("--batch-size", "full", "--no-shuffle", "--epochs", 10)
        expected = self.train(prefix, model, *options, *more)
        tuned = model.with_suffix(".outside")
        printed = run(self.built(prefix, "outside_loss"), model, self.digits, tuned)
        self.assertEqual(losses_of(printed), expected)
        self.assertEqual(len(expected), 10)
        self.assertEqual(tuned.read_bytes(), model.with_suffix(".trained").read_bytes())

    def test_pkg_config_is_enough(self) -> None:
        for name, prefix in self.prefixes.items():
            with self.subTest(name=name):
                environment = os.environ | {"PKG_CONFIG_LIBDIR": str(prefix / "lib/pkgconfig")}
                flags = run("pkg-config", "--cflags", "--libs", "strop", env=environment).split()
                version = run("pkg-config", "--modversion", "strop", env=environment).strip()
                self.assertEqual(version, run(prefix / "bin/strop", "--version").strip())
                folder = pathlib.Path(tempfile.mkdtemp(dir=self.work))
                source = prefix / "share/doc/strop/examples/fine_tune_c/fine_tune.c"
                strict = ("-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror")
                run("cc", *strict, source, *flags, "-o", folder / "fine_tune")
                found = os.environ | {"LD_LIBRARY_PATH": str(prefix / "lib")}
                model = self.model(prefix, 10)
                tuned = folder / "tuned.onnx"
                printed = run(folder / "fine_tune", model, self.digits, tuned, env=found)
                self.assertEqual(len(losses_of(printed)), 3)
                # Failures come out as exit codes with their words.
                done = subprocess.run(
                    [folder / "fine_tune", folder / "none.onnx", self.digits, tuned],
                    capture_output=True,
                    text=True,
                    env=found,
                )
                self.assertEqual(done.returncode, 66)
                self.assertIn("none.onnx", done.stderr)

    def test_another_minor_version_is_not_taken(self) -> None:
        folder = self.work / "versions"
        folder.mkdir()
        for version, is_taken in (("0.1", True), ("0.1.0", True), ("0.2", False), ("1.0", False)):
            (folder / "CMakeLists.txt").write_text(
                "cmake_minimum_required(VERSION 3.16)\nproject(version LANGUAGES NONE)\n"
                f"find_package(strop {version} REQUIRED)\n"
            )
            command = ["cmake", "-S", folder, "-B", folder / f"build-{version}"]
            prefix = f"-DCMAKE_PREFIX_PATH={self.prefixes['installed']}"
            done = subprocess.run([*command, prefix], capture_output=True)
            self.assertEqual(done.returncode == 0, is_taken, version)

    def test_headers_are_clean_and_need_nothing(self) -> None:
        include = self.prefixes["installed"] / "include"
        strict = ("-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only", f"-I{include}")
        for header, language, standards in (
            ("strop.h", "c", ("c99", "c11", "c17")),
            ("strop.h", "c++", ("c++11", "c++17", "c++20")),
            ("strop.hpp", "c++", ("c++23",)),
        ):
            for standard in standards:
                text = f'#include "strop/{header}"\n'
                run("cc", "-x", language, f"-std={standard}", *strict, "-", input=text)
        for header in (include / "strop").iterdir():
            with self.subTest(header=header.name):
                alone = f'#include "strop/{header.name}"\n'
                run("cc", "-x", "c++", "-std=c++20", *strict, "-", input=alone)
                for included in re.findall(r"#include [<\"](.*)[>\"]", header.read_text()):
                    is_own = included.startswith("strop/")
                    self.assertTrue(is_own or re.fullmatch(r"[a-z_]+(\.h)?", included), included)

    def test_the_library_shows_what_its_header_declares(self) -> None:
        for name, prefix in self.prefixes.items():
            with self.subTest(name=name):
                listed = run("nm", "-D", "--defined-only", prefix / "lib/libstrop.so")
                symbols = [line.split() for line in listed.splitlines()]
                functions = {symbol[2].split("@")[0] for symbol in symbols if symbol[1] == "T"}
                rest = [symbol for symbol in symbols if symbol[1] != "T"]
                self.assertEqual([s for s in rest if s[1:] != ["A", "STROP_0.1"]], [])
                header = (prefix / "include/strop/strop.h").read_text()
                text = re.sub(r"/\*.*?\*/", "", header, flags=re.S)
                declared = re.findall(r"^STROP_API [^;(]*?(strop_\w+)\(", text, re.M)
                self.assertEqual(functions, set(declared))

    def test_the_package_says_what_it_needs(self) -> None:
        control = run("dpkg-deb", "-f", self.package)
        fields = dict(re.findall(r"^(\S+): (.*)$", control, re.M))
        self.assertEqual(fields["Package"], "strop")
        self.assertIn("gnuplot", fields["Suggests"])
        needed = fields["Depends"]
        for library in ("libdnnl", "libprotobuf", "libabsl", "libgomp1", "libstdc++6", "libc6"):
            self.assertIn(library, needed)
        self.assertNotIn("-dev", needed)
        self.assertTrue((self.prefixes["unpacked"] / "share/doc/strop/copyright").is_file())
        # What both carry is there once unpacked: nothing points back at where it was built.
        for text in self.prefixes["unpacked"].glob("lib/**/*strop*.[cp]*"):
            self.assertNotIn(str(ROOT), text.read_text(), text)


if __name__ == "__main__":
    unittest.main()
