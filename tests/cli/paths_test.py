"""One path is one file: every pair of paths of every command, by every name that a file can have.

What is walked is what the program lists, so that a new command and a new option are walked too."""

import os
import pathlib
import shutil
import subprocess
import unittest
from collections.abc import Iterator

import numpy as np
from commands import Files, listed
from onnx import helper, numpy_helper
from program import PROGRAM, ProgramTest, make_model, run

USAGE, CANNOT_CREATE = 2, 73


def contents(folder: pathlib.Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def spelled(option: dict, path: object) -> list:
    return [path] if option["positional"] else [option["name"], path]


class PathsTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.files = Files(self.folder)
        self.commands = listed()
        self.walked = 0

    def refuse(self, code: int, culprits: list[str], arguments: list) -> None:
        """The command ends with `code` and one line that names the culprits; no file changed."""
        before = contents(self.folder)
        done = run(*arguments)
        told = f"{arguments}\n{done.stderr}"
        self.assertEqual(done.returncode, code, told)
        self.assertEqual(len(done.stderr.splitlines()), 1, told)
        for culprit in culprits:
            self.assertIn(culprit, done.stderr, told)
        self.assertEqual(contents(self.folder), before, told)
        self.walked += 1

    def paths_of(self, command: str) -> list[dict]:
        return [option for option in self.commands[command] if option["path"]]

    def pairs(self, of_roles: bool = False) -> Iterator[tuple[list, dict, dict]]:
        """Each output of each command, and each other path of it; or one for the roles of both."""
        seen = set()
        for command, options in self.commands.items():
            for output in self.paths_of(command):
                if not output["path"]["written"]:
                    continue
                for other in self.paths_of(command):
                    if other is output:
                        continue
                    roles = (command, output["path"]["role"], other["path"]["role"])
                    if of_roles and roles in seen:
                        continue
                    seen.add(roles)
                    without = (output["name"], other["name"])
                    yield self.files.arguments(command, options, without), output, other

    def refuse_pair(
        self, arguments: list, output: dict, left: object, other: dict, right: object
    ) -> None:
        culprits = [output["name"], other["name"]]
        words = [arguments[0]]
        # What follows an option that takes several values belongs to it.
        words += [path for option, path in ((output, left), (other, right)) if option["positional"]]
        words += arguments[1:]
        for option, path in ((output, left), (other, right)):
            words += [] if option["positional"] else [option["name"], path]
        self.refuse(CANNOT_CREATE, culprits, words)

    def test_every_pair(self) -> None:
        """By names that differ from pair to pair: the same, a detour, a link to it, its inode."""
        os.symlink(self.folder, self.path("detour"))
        for number, (arguments, output, other) in enumerate(self.pairs()):
            there = self.files.path_of(other["path"]["role"], "absent")
            path, link = self.path("both"), self.path("link")
            if there.is_dir():
                shutil.copytree(there, path)
            elif there.exists():
                shutil.copy(there, path)
            spelling = (path, f"{self.folder}/detour/./both", link, link)[number % 4]
            if number % 4 == 3 and path.is_file():
                os.link(path, link)
            elif number % 4 >= 2:
                link.symlink_to(path)
            self.refuse_pair(arguments, output, spelling, other, path)
            for made in (path, link):
                is_folder = made.is_dir() and not made.is_symlink()
                shutil.rmtree(made) if is_folder else made.unlink(missing_ok=True)
        self.assertGreater(self.walked, 90)

    def test_two_files_of_one_option(self) -> None:
        for arguments, output, other in self.pairs(of_roles=True):
            if other["path"]["role"] != "data":
                continue
            path = self.path("pixels.gz")
            path.write_bytes(b"pixels")
            pair = f"{self.path('absent.gz')},{path}"
            self.refuse_pair(arguments, output, path, other, pair)

    def test_every_file_of_a_folder(self) -> None:
        images = self.files.save_images()
        for arguments, output, other in self.pairs(of_roles=True):
            folder = images if other["path"]["role"] == "data" else self.path("run")
            for pattern in other["path"]["own"]:
                path = folder / pattern.replace("*/*", "cat/1.png").replace("*", "1")
                path.parent.mkdir(parents=True, exist_ok=True)
                self.refuse_pair(arguments, output, path, other, folder)

    def test_a_folder_among_the_data(self) -> None:
        images = self.files.save_images()
        for arguments, output, other in self.pairs(of_roles=True):
            if output["path"]["folder"] and other["path"]["role"] == "data":
                self.refuse_pair(arguments, output, images / "new", other, images)

    def test_external_data(self) -> None:
        model = self.files.save_split_model()
        for arguments, output, other in self.pairs(of_roles=True):
            if other["path"]["role"] == "model" and not output["path"]["folder"]:
                weights = model.parent / "weights.bin"
                self.refuse_pair(arguments, output, weights, other, model)

    def outputs(self) -> Iterator[tuple[list, dict]]:
        for command, options in self.commands.items():
            for output in self.paths_of(command):
                if output["path"]["written"]:
                    yield self.files.arguments(command, options, (output["name"],)), output

    def test_paths_that_cannot_be_created(self) -> None:
        blocked = self.path("blocked")
        blocked.write_bytes(b"a file")
        for arguments, output in self.outputs():
            paths = [blocked / "inside"]
            if not output["path"]["folder"]:
                paths += [self.folder, self.path("missing") / "file"]
            for path in paths:
                self.refuse(CANNOT_CREATE, [str(path)], [*arguments, *spelled(output, path)])

    def test_no_name(self) -> None:
        for command, options in self.commands.items():
            for option in self.paths_of(command):
                arguments = self.files.arguments(command, options, (option["name"],))
                words = [*arguments, *spelled(option, "")]
                if option["positional"]:
                    words = [arguments[0], "", *arguments[1:]]
                self.refuse(USAGE, [option["name"].strip("-")], words)

    def test_standard_output_is_no_file(self) -> None:
        for arguments, output in self.outputs():
            words = [*arguments, *spelled(output, "-")]
            self.refuse(USAGE, ["expected the name of a file"], words)

    def test_special_files(self) -> None:
        pipe = self.path("pipe")
        os.mkfifo(pipe)
        taken = self.path("stdout.txt")
        for arguments, output in self.outputs():
            for path in (pipe, "/dev/null", "/dev/stdout", "/dev/fd/1"):
                with taken.open("wb") as stdout:
                    words = [PROGRAM, *arguments, *spelled(output, path)]
                    done = subprocess.run(
                        list(map(str, words)), stdout=stdout, stderr=subprocess.PIPE, timeout=60
                    )
                self.assertEqual(done.returncode, CANNOT_CREATE, f"{words}\n{done.stderr}")
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
                self.assertEqual(taken.read_bytes(), b"")
                self.assertTrue(pipe.is_fifo())

    def test_paths_that_no_option_names(self) -> None:
        model, data = self.files.model, self.files.data
        landscape = ["landscape", model, "--data", data, "--resolution", "2"]
        page, grid = self.path("page.html"), self.path("page.npz")
        self.refuse(CANNOT_CREATE, ["--png", "-o"], [*landscape, "-o", page, "--png", grid])
        self.refuse(CANNOT_CREATE, ["--data", "-o"], [*landscape, "-o", self.path("data.html")])
        adapter = self.path("tuned.onnx_adapter")
        adapter.write_bytes(data.read_bytes())
        train = ["train", model, "--data", adapter, "--lora", "--lora-export", "onnx_adapter"]
        self.refuse(CANNOT_CREATE, ["--data", "-o"], [*train, "-o", self.path("tuned.onnx")])
        train = ["train", model, "--data", data, "--lora", "--lora-export", "peft"]
        config = self.path("peft") / "adapter_config.json"
        config.parent.mkdir()
        config.write_text("epochs = 1")
        words = [*train, "-o", config.parent, "--config", config]
        self.refuse(CANNOT_CREATE, ["--config", "-o"], words)

    def test_what_may_lie_together(self) -> None:
        model, data = self.files.model, self.files.data
        folder = self.path("together")
        folder.mkdir()
        train = ["train", model, "--data", data, "-o", folder / "model.onnx"]
        for more in ([], ["--resume", "--config", folder / "config.toml"]):
            self.run_well(*train, "--run-directory", folder, *more)
        for _ in range(2):  # the page of the first time is replaced
            self.run_well("report", folder)
        images = self.files.save_images()
        weight = numpy_helper.from_array(np.ones((4, 2), np.float32), "w")
        nodes = [
            helper.make_node("Flatten", ["x"], ["f"]),
            helper.make_node("MatMul", ["f", "w"], ["y"]),
        ]
        model = self.save(make_model(nodes, [weight], ["n", 1, 2, 2], ["n", 2]), "flat.onnx")
        self.run_well("train", model, "--data", images, "-o", images / "tuned.onnx")

    def test_a_config_of_the_users_own_stays(self) -> None:
        folder = self.path("mine")
        folder.mkdir()
        (folder / "config.toml").write_text("epochs = 1  # mine")
        train = ["train", self.files.model, "--data", self.files.data, "-o", self.path("x.onnx")]
        done = run(*train, "--config", folder / "config.toml", "--run-directory", folder)
        self.assertEqual(done.returncode, CANNOT_CREATE, done.stderr)
        self.assertIn("config.toml", done.stderr)
        self.assertEqual((folder / "config.toml").read_text(), "epochs = 1  # mine")

    def test_every_option_says_what_it_takes(self) -> None:
        """An option of plain TEXT may be a path that nobody compares."""
        for command, options in self.commands.items():
            for option in options:
                self.assertNotEqual(option["type"], "TEXT", f"{command} {option['name']}")


if __name__ == "__main__":
    unittest.main()
