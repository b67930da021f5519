"""The examples of docs/text.md, run as they stand, on a small model in the place of a large one."""

import os
import pathlib
import re
import unittest

import onnx
import strop
from audio_test import convolution_model, write_tones
from program import ProgramTest
from text_test import bag_model, make_tokenizer, reviews

ROOT = pathlib.Path(__file__).parents[2]


class TextPageTest(ProgramTest):
    def test_the_examples_train_and_are_found_again(self) -> None:
        page = (ROOT / "docs/text.md").read_text()
        training, again, sounds = re.findall(r"```python\n(.*?)```", page, re.S)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)
        reviews().to_csv("reviews.csv", index=False)
        write_tones(self.folder, 12).to_csv("sounds.csv", index=False)
        onnx.save(bag_model(classes=3), "minilm.onnx")
        onnx.save(convolution_model(), "listener.onnx")
        make_tokenizer().save("tokenizer.json")
        known: dict[str, object] = {}
        exec(training, known)
        self.assertEqual(known["trainer"].history.epochs[-1].epoch, 2)
        exec(again, known)
        self.assertEqual(len(known["labels"]), 2)
        self.assertLessEqual(set(known["labels"]), {"bad", "good"})
        exec(sounds, known)
        self.assertEqual(strop.load("heard.onnx").class_names, ("high", "low"))


if __name__ == "__main__":
    unittest.main()
