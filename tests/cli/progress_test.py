"""What a terminal of 60 columns shows: what is wider could not be drawn over."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import unittest

from program import PROGRAM, ProgramTest, linear_model

COLUMNS = 60


def on_terminal(*arguments: object) -> str:
    """What the program writes on a stderr that is a terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
    command = [PROGRAM, *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    text = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the end, on Linux
            break
        if not piece:
            break
        text += piece
    os.close(ours)
    assert process.wait(timeout=120) == 0, text
    return text.decode()


class ProgressTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.model = self.save(linear_model(4, 3))
        self.data = self.save_data(**self.samples(600))

    def shown(self, *arguments: object) -> str:
        text = on_terminal(*arguments)
        for line in re.split(r"[\r\n]", text.replace("\x1b[K", "")):
            self.assertLessEqual(len(line), COLUMNS, line)
            if "[" in line:  # a bar: the cursor stays on its line
                self.assertLess(len(line), COLUMNS, line)
        return text

    def test_training(self) -> None:
        metrics = [m for name in ("accuracy", "f1_macro", "roc_auc") for m in ("--metric", name)]
        options = ("--epochs", 2, "--validation-split", 0.2, "--log-every", 5, *metrics)
        output = ("-o", self.path("out.onnx"))
        text = self.shown("train", self.model, "--data", self.data, *options, *output)
        self.assertRegex(text, r"\repoch 1/2 \[=* *\] loss|\r\x1b\[Kepoch 1/2 \[=* *\] loss")
        self.assertIn("validation loss", text)

    def test_other_commands_have_a_bar(self) -> None:
        data = ("--data", self.data)
        for command in (
            ("evaluate", self.model, *data),
            ("predict", self.model, *data),
            ("run", self.model, *data, "-o", self.path("out.npz")),
            ("tune", self.model, *data, "--search", "learning-rate=0.1,0.01", "--strategy")
            + ("grid", "-o", self.path("tuned.onnx")),
        ):
            with self.subTest(command=command[0]):
                text = self.shown(*command)
                self.assertRegex(text, rf"\r\x1b\[K{command[0]} \[=* *\] \d+/\d+")
                self.assertTrue(text.endswith("\r\x1b[K") or command[0] == "tune", text[-80:])

    def test_nothing_moves_in_a_file(self) -> None:
        done = self.run_well("evaluate", self.model, "--data", self.data)
        self.assertEqual(done.stderr, "")


if __name__ == "__main__":
    unittest.main()
