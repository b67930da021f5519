"""Output that nobody takes: no command ends with 0 as if it had been, and no run is lost to it."""

import os
import pathlib
import signal
import subprocess
import time
import unittest

import onnx
from commands import Files, listed
from program import PROGRAM, ProgramTest, run

CANNOT_CREATE, INPUT_OUTPUT = 73, 74


class StreamsTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.files = Files(self.folder)
        self.train = ["train", self.files.model, "--data", self.files.data]
        self.train += ["-o", self.path("tuned.onnx"), "--batch-size", "16"]

    def run_with(self, arguments: list, **streams) -> subprocess.CompletedProcess:
        words = [PROGRAM, *map(str, arguments)]
        return subprocess.run(words, text=True, timeout=120, **streams)

    def check_lost(self, arguments: list, done: subprocess.CompletedProcess) -> None:
        """The end of a command whose output was not taken."""
        self.assertEqual(done.returncode, INPUT_OUTPUT, f"{arguments}\n{done.stderr}")
        lines = [line for line in done.stderr.splitlines() if "standard output" in line]
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertEqual(done.stderr.splitlines()[-1], lines[0])
        self.assertTrue(lines[0].startswith("strop"), lines[0])

    def test_a_full_device_takes_no_output_of_any_command(self) -> None:
        printed = 0
        for command, options in listed().items():
            base = self.files.arguments(command, options)
            flags = [name for name in ("--json", "--markdown", "--dot") if
                     name in [option["name"] for option in options]]  # fmt: skip
            for more in ([], *([flag] for flag in flags), ["--help"]):
                arguments = [*base, *more]
                prints = bool(more)  # JSON and help always do
                if not prints:
                    done = self.run_with(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                    self.assertEqual(done.returncode, 0, f"{arguments}\n{done.stderr}")
                    prints = bool(done.stdout)
                with open("/dev/full", "w") as full:
                    lost = self.run_with(arguments, stdout=full, stderr=subprocess.PIPE)
                if prints:
                    printed += 1
                    self.check_lost(arguments, lost)
                else:
                    self.assertEqual(lost.returncode, 0, lost.stderr)
        self.assertGreater(printed, 30)
        with open("/dev/full", "w") as full:
            for word in ("--version", "--help", "--list-options"):
                self.check_lost([word], self.run_with([word], stdout=full, stderr=subprocess.PIPE))

    def test_a_reader_that_goes_away_ends_no_run(self) -> None:
        folder = self.path("kept")
        train = [*self.train, "--epochs", "5", "--json", "--log-every", "1"]
        whole = self.run_with(train, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        expected = self.path("tuned.onnx").read_bytes()
        self.path("tuned.onnx").unlink()
        train += ["--run-directory", folder]
        process = subprocess.Popen(
            [PROGRAM, *map(str, train)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.assertEqual(process.stdout.readline(), whole.stdout.splitlines(keepends=True)[0])
        process.stdout.close()
        _, errors = process.communicate(timeout=60)
        self.check_lost(train, subprocess.CompletedProcess(train, process.returncode, "", errors))
        self.assertEqual(self.path("tuned.onnx").read_bytes(), expected)
        self.assertTrue(list((folder / "checkpoints").glob("step-00000015.safetensors")))

    def test_a_closed_stdout_gets_no_file_of_the_run(self) -> None:
        """The first file that is opened must not become standard output."""
        expected = self.run_well(*self.train) and self.path("tuned.onnx").read_bytes()
        self.path("tuned.onnx").unlink()
        for closed, code in ((0, 0), (1, INPUT_OUTPUT), (2, 0)):
            done = self.run_with(
                self.train,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                preexec_fn=lambda number=closed: os.close(number),
            )
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertEqual(self.path("tuned.onnx").read_bytes(), expected)
            self.path("tuned.onnx").unlink()

    def test_errors_that_nobody_reads_change_nothing(self) -> None:
        self.run_well(*self.train)
        expected = self.path("tuned.onnx").read_bytes()
        with open("/dev/full", "w") as full:
            done = self.run_with(self.train, stdout=subprocess.PIPE, stderr=full)
        self.assertEqual((done.returncode, self.path("tuned.onnx").read_bytes()), (0, expected))
        reader, writer = os.pipe()
        os.close(reader)
        done = self.run_with(self.train, stdout=subprocess.PIPE, stderr=writer)
        os.close(writer)
        self.assertEqual((done.returncode, self.path("tuned.onnx").read_bytes()), (0, expected))

    def test_a_missing_folder_for_temporary_files(self) -> None:
        missing = dict(os.environ, TMPDIR=str(self.path("missing")))
        tune = ["tune", *self.train[1:], "--search", "learning-rate=0.1", "--jobs", "1"]
        landscape = ["landscape", self.files.model, "--data", self.files.data]
        landscape += ["-o", self.path("page.html"), "--png", self.path("page.png")]
        for arguments in (tune, landscape):
            done = self.run_with(arguments, capture_output=True, env=missing)
            self.assertEqual(done.returncode, CANNOT_CREATE, done.stderr)
            self.assertIn("TMPDIR", done.stderr)
            self.assertIn("missing", done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)

    def test_trials_end_with_their_tuner(self) -> None:
        """They no longer end by writing to a pipe that nobody reads."""
        study = self.path("study")
        tune = ["tune", *self.train[1:], "--search", "learning-rate=0.1", "--jobs", "1"]
        tune += ["--run-directory", study, "--epochs", "1000000"]
        tuner = subprocess.Popen(
            [PROGRAM, *map(str, tune)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        records = study / "trial-1" / "records.jsonl"
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not records.exists():
            time.sleep(0.02)
        trial = int((study / "trial-1" / "lock").read_text())
        tuner.send_signal(signal.SIGKILL)
        tuner.wait()
        while time.monotonic() < deadline and pathlib.Path(f"/proc/{trial}").exists():
            time.sleep(0.02)
        self.assertFalse(pathlib.Path(f"/proc/{trial}").exists())

    def test_checkpoints_lost_to_a_full_disk(self) -> None:
        with self.small_disk("16k") as disk:
            arguments = [*self.train, "--epochs", "2", "--run-directory", disk, "--no-monitor"]
            (disk / "filler").write_bytes(bytes(1))
            done = run(*arguments)
        self.assertEqual(done.returncode, INPUT_OUTPUT, done.stderr)
        last = done.stderr.splitlines()[-1]
        self.assertTrue(last.startswith("strop train: "), last)
        onnx.checker.check_model(onnx.load(self.path("tuned.onnx")))

    def test_a_journal_that_cannot_be_written(self) -> None:
        with self.small_disk("8k") as disk:
            (disk / "filler").write_bytes(bytes(4096))
            (disk / "more").write_bytes(bytes(1))
            tune = ["tune", *self.train[1:], "--search", "learning-rate=0.1", "--jobs", "1"]
            done = run(*tune, "--run-directory", disk)
        self.assertEqual(done.returncode, INPUT_OUTPUT, done.stderr)
        self.assertRegex(done.stderr, r"^strop tune: .*No space left on device.*\n$")


if __name__ == "__main__":
    unittest.main()
