"""Texts as samples: what `tokenizers` itself makes of them, the program's files to the bit, ONNX
Runtime's outputs for samples without padding."""

import os
import pickle
import unittest

import numpy as np
import onnx
import pandas as pd
import polars
import pyarrow
import strop
import tokenizers
from onnx import TensorProto, helper, numpy_helper
from program import ProgramTest, linear_model
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from strop.sklearn import StropClassifier, StropTransformer
from strop.text import Tokenizer

WORDS = {
    "good": "good great fine lovely brilliant superb warm clever".split(),
    "bad": "bad dull awful poor boring cold stupid weak".split(),
}
OTHERS = "the film is a story of some people who go on and it was there when they came".split()


def reviews(count: int = 120, seed: int = 0) -> pd.DataFrame:
    """Sentences of 2 to 40 words, one of which says what the label is."""
    random = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        label = str(random.choice(["bad", "good"]))
        words = [str(word) for word in random.choice(OTHERS, random.integers(1, 40))]
        words.insert(random.integers(0, len(words) + 1), str(random.choice(WORDS[label])))
        rows.append((" ".join(words), label))
    return pd.DataFrame(rows, columns=["text", "label"])


def make_tokenizer() -> tokenizers.Tokenizer:
    """BERT's pieces, with its special tokens around one text or two."""
    made = tokenizers.Tokenizer(tokenizers.models.WordPiece(unk_token="[UNK]"))
    made.normalizer = tokenizers.normalizers.BertNormalizer()
    made.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    trainer = tokenizers.trainers.WordPieceTrainer(special_tokens=special, vocab_size=150)
    made.train_from_iterator([" ".join([*OTHERS, *WORDS["good"], *WORDS["bad"]])] * 3, trainer)
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return made


def bag_model(
    length: int | str = "length", dtype: str = "int64", classes: int = 2, names: str = "bert"
) -> onnx.ModelProto:
    """The mean over the mask of token and type vectors, then a layer."""
    random = np.random.default_rng(3)
    tensors = [
        numpy_helper.from_array(random.normal(scale=0.3, size=shape).astype(np.float32), name)
        for name, shape in (("E", (150, 8)), ("T", (2, 8)), ("W", (8, classes)))
    ]
    tensors += [
        numpy_helper.from_array(np.array([axis]), name) for name, axis in (("last", 2), ("time", 1))
    ]
    ids, mask, types = {
        "bert": ("input_ids", "attention_mask", "token_type_ids"),
        "tensorflow": ("input_word_ids", "input_mask", "segment_ids"),
    }[names]
    nodes = [
        helper.make_node("Gather", ["E", ids], ["words"], "words"),
        helper.make_node("Gather", ["T", types], ["types"], "types"),
        helper.make_node("Add", ["words", "types"], ["tokens"], "tokens"),
        helper.make_node("Cast", [mask], ["mask"], "mask", to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["rows"], "rows"),
        helper.make_node("Mul", ["tokens", "rows"], ["kept"], "kept"),
        helper.make_node("ReduceSum", ["kept", "time"], ["total"], "total", keepdims=0),
        helper.make_node("ReduceSum", ["rows", "time"], ["count"], "count", keepdims=0),
        helper.make_node("Div", ["total", "count"], ["mean_pooling"], "pooling"),
        helper.make_node("MatMul", ["mean_pooling", "W"], ["y"], "head"),
    ]
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    inputs = [
        helper.make_tensor_value_info(name, kind, ["n", length]) for name in (ids, mask, types)
    ]
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", classes])
    graph = helper.make_graph(nodes, "bag", inputs, [output], tensors)
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


def encoded(texts: object, made: tokenizers.Tokenizer, multiple: int) -> dict[str, np.ndarray]:
    """As the package pads them."""
    made = tokenizers.Tokenizer.from_str(made.to_str())
    made.enable_padding(pad_to_multiple_of=multiple)
    encodings = made.encode_batch(list(texts))
    return {
        "input_ids": np.array([encoding.ids for encoding in encodings]),
        "attention_mask": np.array([encoding.attention_mask for encoding in encodings]),
        "token_type_ids": np.array([encoding.type_ids for encoding in encodings]),
    }


class TextTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.frame = reviews()
        self.made = make_tokenizer()
        self.model_path = self.save(bag_model())
        self.tokenizer = Tokenizer(self.made)

    def trainer(self, **options: object) -> strop.Trainer:
        model = strop.load(self.model_path, seed=4)
        return strop.Trainer(model, processor=self.tokenizer, **options)

    def test_a_run_on_a_frame_is_the_program_s_to_the_bit(self) -> None:
        options = {"optimizer": "adamw", "learning_rate": 0.01, "epochs": 2, "batch_size": 16}
        trainer = self.trainer(**options, group_by_length=True, validation_split=0.2)
        history = trainer.fit(self.frame, "label")
        target = (self.frame["label"] == "good").to_numpy().astype(np.int64)
        arrays = encoded(self.frame["text"], self.made, 8)
        data = self.save_data(target=target, **arrays)
        output = self.path("program.onnx")
        self.run_well(
            *("train", self.model_path, "--data", data, "--seed", 4, "--optimizer", "adamw"),
            *("--learning-rate", 0.01, "--epochs", 2, "--batch-size", 16, "--group-by-length"),
            *("--validation-split", 0.2, "-o", output),
        )
        trainer.model.save(self.path("ours.onnx"))
        self.assertEqual(self.path("ours.onnx").read_bytes(), output.read_bytes())
        self.assertEqual(trainer.model.class_names, ("bad", "good"))
        self.assertEqual(len(history.history["val_accuracy"]), 2)

    def test_it_learns_and_its_outputs_are_those_of_samples_without_padding(self) -> None:
        trainer = self.trainer(learning_rate=0.05, epochs=12, group_by_length=True)
        trainer.fit(self.frame, "label")
        held_out = reviews(60, seed=9)
        session = trainer.model.to_onnxruntime()
        alone = [
            session.run(None, encoded([text], self.made, 1))[0][0] for text in held_out["text"]
        ]
        for samples in (held_out["text"], held_out["text"].tolist(), held_out[["text"]]):
            predicted = trainer.predict(samples, batch_size=7)
            np.testing.assert_allclose(predicted, alone, rtol=1e-4, atol=1e-5)
        names = np.array(trainer.model.class_names)
        accuracy = np.mean(names[predicted.argmax(axis=1)] == held_out["label"])
        self.assertGreater(accuracy, 0.9)
        [outputs] = trainer.model.run(list(held_out["text"])).values()
        np.testing.assert_allclose(outputs, alone, rtol=1e-4, atol=1e-5)
        measured = trainer.evaluate(held_out, "label")
        self.assertAlmostEqual(
            strop.Trainer(trainer.model, metric="accuracy").evaluate(held_out, "label")["accuracy"],
            accuracy,
        )
        self.assertEqual(measured["samples"], 60)

    def test_tables_and_columns_of_every_kind_are_the_same(self) -> None:
        frame = self.frame[:32]
        texts, labels = frame["text"], frame["label"]
        results = set()
        for x, y in (
            (frame, "label"),
            (polars.from_pandas(frame), "label"),
            (pyarrow.Table.from_pandas(frame), "label"),
            (texts, labels),
            (texts.tolist(), labels.tolist()),
            (texts.to_numpy().astype("U"), labels.to_numpy()),
            (frame.assign(number=1), "label"),
        ):
            trainer = self.trainer()
            trainer.fit(x, y, validation_data=(x, y))
            results.add(trainer.model.to_bytes())
        self.assertEqual(len(results), 1)

    def test_pairs_have_types(self) -> None:
        frame = pd.DataFrame({"a": ["good film", "it was"], "b": ["dull", "there when they came"]})
        arrays = self.tokenizer.encode(strop.load(self.model_path).inputs, dict(frame.items()))
        arrays = {name: np.asarray(array) for name, array in arrays.items()}
        pairs = zip(frame["a"], frame["b"], strict=True)
        for name, expected in encoded(pairs, self.made, 8).items():
            np.testing.assert_array_equal(arrays[name], expected)
        self.assertEqual(arrays["token_type_ids"].max(), 1)

    def test_inputs_have_the_names_and_types_that_the_model_says(self) -> None:
        model = strop.load(bag_model(names="tensorflow", dtype="int32"))
        columns = {"text": self.frame["text"].to_numpy()}
        arrays = self.tokenizer.encode(model.inputs, columns)
        expected = encoded(self.frame["text"], self.made, 8)
        for ours, theirs in (
            ("input_word_ids", "input_ids"),
            ("input_mask", "attention_mask"),
            ("segment_ids", "token_type_ids"),
        ):
            self.assertEqual(arrays[ours].dtype, np.int32)
            np.testing.assert_array_equal(arrays[ours], expected[theirs])

    def test_a_model_of_one_length_gets_that(self) -> None:
        tokenizer = Tokenizer(self.made, max_length=12)
        model = strop.load(bag_model(length=12))
        trainer = strop.Trainer(model, processor=tokenizer, epochs=1)
        trainer.fit(self.frame, "label")
        self.assertEqual(trainer.predict(self.frame["text"]).shape, (len(self.frame), 2))
        model.processor = self.tokenizer
        with self.assertRaisesRegex(strop.UsageError, "expected at most the 12 .* max_length=12"):
            trainer.predict(self.frame["text"])

    def test_truncation_is_the_file_s_or_as_said(self) -> None:
        self.made.enable_truncation(10)
        self.assertEqual(Tokenizer(self.made).max_length, 10)
        self.assertEqual(Tokenizer(self.made, max_length=6).max_length, 6)
        arrays = Tokenizer(self.made, max_length=6).encode(
            strop.load(self.model_path).inputs, {"x": self.frame["text"].to_numpy()}
        )
        self.assertEqual(arrays["input_ids"].shape[1], 6)
        self.assertEqual(set(arrays["input_ids"][:, 0]), {2})

    def test_steps_take_batches_of_any_length(self) -> None:
        trainer = self.trainer(learning_rate=0.05)
        by_length = self.frame.iloc[np.argsort(self.frame["text"].str.len())]
        batches = [by_length[start : start + 8] for start in (0, 100, 50)]
        losses = [trainer.step(batch["text"], batch["label"]) for batch in batches]
        trainer.finish()
        self.assertEqual(len(losses), 3)
        self.assertTrue(np.isfinite([step.loss for step in losses]).all())

    def test_the_tokenizer_is_saved_beside_the_model_and_found(self) -> None:
        trainer = self.trainer()
        trainer.fit(self.frame, "label")
        folder = self.path("saved")
        folder.mkdir()
        trainer.model.save(folder / "tuned.onnx", write_class_names=True)
        self.assertEqual(sorted(os.listdir(folder)), ["tokenizer.json", "tuned.onnx"])
        loaded = strop.load(folder / "tuned.onnx")
        self.assertEqual(loaded.class_names, ("bad", "good"))
        texts = self.frame["text"].tolist()
        np.testing.assert_array_equal(loaded.run(texts)["y"], trainer.model.run(texts)["y"])
        theirs = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.assertEqual(theirs.encode("good film").ids, self.made.encode("good film").ids)
        self.assertEqual(theirs.padding["pad_token"], "[PAD]")
        # Another's stays, and each model finds its own.
        other = strop.load(self.model_path)
        other.processor = Tokenizer(self.made, max_length=5)
        other.save(folder / "other.onnx")
        self.assertIn("other.tokenizer.json", os.listdir(folder))
        self.assertEqual(
            tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json")).to_str(), theirs.to_str()
        )
        found = strop.load(folder / "other.onnx")
        found.run(texts)
        self.assertEqual(found.processor.max_length, 5)
        loaded.save(folder / "again.onnx")
        self.assertNotIn("again.tokenizer.json", os.listdir(folder))

    def test_labels_are_the_model_s_classes(self) -> None:
        trainer = self.trainer(class_names=["good", "bad"])
        trainer.fit(self.frame, "label")
        self.assertEqual(trainer.model.class_names, ("good", "bad"))
        with self.assertRaisesRegex(strop.UsageError, "found label 'fair', expected one of good"):
            trainer.evaluate(["so so"], ["fair"])
        numbers = strop.load(self.save(bag_model(), "numbers.onnx"), seed=4)
        by_number = strop.Trainer(numbers, processor=self.tokenizer)
        by_number.fit(self.frame["text"], (self.frame["label"] == "bad").astype(int))
        self.assertEqual(numbers.to_bytes(), trainer.model.to_bytes())

    def test_labels_that_are_texts_go_with_tables_of_numbers(self) -> None:
        random = np.random.default_rng(0)
        frame = pd.DataFrame(random.normal(size=(40, 4)).astype(np.float32), columns=list("abcd"))
        frame["kind"] = np.where(frame["a"] > 0, "up", "down")
        model = strop.load(linear_model(classes=2))
        trainer = strop.Trainer(model, learning_rate=0.1, epochs=30)
        trainer.fit(frame, "kind")
        self.assertEqual(model.class_names, ("down", "up"))
        self.assertGreater(trainer.evaluate(frame, "kind")["accuracy"], 0.9)

    def test_what_cannot_be_used_is_refused_in_one_line(self) -> None:
        bare = strop.Trainer(strop.load(self.model_path))
        pair = self.frame.assign(more="a", third="b")
        missing = self.frame.assign(text=[None, *self.frame["text"][1:]])
        cases = [
            (lambda: bare.fit(["good"], ["good"]), "x: found texts, expected numbers, or a token"),
            (lambda: self.trainer().fit(pair, "label"), "found columns of texts text, more, third"),
            (lambda: self.trainer().fit(missing, "label"), "column 'text', row 0: found n|None"),
            (lambda: self.trainer().fit(self.frame, "lable"), "y: found no column 'lable'"),
            (lambda: self.trainer().fit(self.frame["text"], ["good"] * 120), "'good' alone"),
            (lambda: Tokenizer(self.path("none.json")), "no such file"),
            (lambda: Tokenizer(self.model_path), "expected a tokenizer.json"),
            (lambda: Tokenizer(self.made, max_length=1), "more than the 2 special tokens"),
            (lambda: Tokenizer(self.made, columns="title").encode([], {"text": np.array(["a"])}),
             "found no column 'title', expected one of text"),
        ]  # fmt: skip
        for call, expected in cases:
            with self.assertRaisesRegex(strop.Error, expected) as raised:
                call()
            self.assertNotIn("\n", str(raised.exception))

    def test_scikit_learn_s_door(self) -> None:
        settings = {"learning_rate": 0.05, "epochs": 25, "random_state": 0}
        classifier = StropClassifier(
            model=str(self.model_path), processor=self.tokenizer, **settings
        )
        held_out = reviews(60, seed=9)
        fitted = clone(classifier).fit(self.frame["text"], self.frame["label"])
        self.assertGreater(fitted.score(held_out["text"], held_out["label"]), 0.9)
        again = pickle.loads(pickle.dumps(fitted))
        np.testing.assert_array_equal(
            again.predict_proba(held_out[["text"]]), fitted.predict_proba(list(held_out["text"]))
        )
        scores = cross_val_score(classifier, self.frame["text"], self.frame["label"], cv=2)
        self.assertGreater(scores.min(), 0.7)
        steps = clone(classifier)
        for _ in range(2):
            steps.partial_fit(self.frame["text"], self.frame["label"], classes=["bad", "good"])
        self.assertEqual(steps.n_iter_, 2)
        vectors = StropTransformer(model=fitted.model_bytes_, processor=self.tokenizer)
        pipeline = make_pipeline(vectors, LogisticRegression())
        pipeline.fit(self.frame["text"], self.frame["label"])
        self.assertGreater(pipeline.score(held_out["text"], held_out["label"]), 0.9)
        with self.assertRaisesRegex(ValueError, "X: found nothing that Tokenizer takes"):
            classifier.fit(np.zeros((4, 2)), [0, 1, 0, 1])


if __name__ == "__main__":
    unittest.main()
