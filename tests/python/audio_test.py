"""Sounds as samples: what soundfile and soxr read and resample, lengths, a classifier of tones."""

import json
import os
import pathlib
import unittest

import numpy as np
import onnx
import pandas as pd
import soundfile
import soxr
import strop
from onnx import TensorProto, helper, numpy_helper
from program import ProgramTest
from strop.audio import Waveforms
from strop.sklearn import StropClassifier

RATE = 4000


def tone(frequency: float, seconds: float, rate: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    time = np.arange(int(seconds * rate)) / rate
    wave = np.sin(2 * np.pi * frequency * time + random.uniform(0, 6))
    return (0.5 * wave + random.normal(scale=0.05, size=len(time))).astype(np.float32)


def convolution_model(rank: int = 3, masked: bool = False) -> onnx.ModelProto:
    """y[n, 2] of x[n, 1, time] or [n, time]: Conv, Relu, the mean over time, a layer; with a mask
    the mean over its ones."""
    random = np.random.default_rng(0)
    tensors = [
        numpy_helper.from_array(random.normal(scale=0.2, size=(8, 1, 31)).astype(np.float32), "K"),
        numpy_helper.from_array(random.normal(scale=0.3, size=(8, 2)).astype(np.float32), "W"),
        numpy_helper.from_array(np.array([1]), "axis"),
        numpy_helper.from_array(np.array([2]), "time"),
    ]
    nodes = []
    if rank == 2:
        nodes.append(helper.make_node("Unsqueeze", ["x", "axis"], ["wave"], "wave"))
    wave = "x" if rank == 3 else "wave"
    nodes += [
        helper.make_node("Conv", [wave, "K"], ["found"], "conv", pads=[15, 15]),
        helper.make_node("Relu", ["found"], ["heard"], "relu"),
    ]
    shape = ["n", 1, "t"] if rank == 3 else ["n", "t"]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
    if masked:
        inputs.append(
            helper.make_tensor_value_info("attention_mask", TensorProto.INT32, ["n", "t"])
        )
        nodes += [
            helper.make_node("Cast", ["attention_mask"], ["m"], "cast", to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["m", "axis"], ["mask"], "mask"),
            helper.make_node("Mul", ["heard", "mask"], ["kept"], "kept"),
            helper.make_node("ReduceSum", ["kept", "time"], ["total"], "total", keepdims=0),
            helper.make_node("ReduceSum", ["mask", "time"], ["count"], "count", keepdims=0),
            helper.make_node("Div", ["total", "count"], ["mean"], "mean"),
        ]
    else:
        nodes.append(helper.make_node("ReduceMean", ["heard"], ["mean"], axes=[2], keepdims=0))
    nodes.append(helper.make_node("MatMul", ["mean", "W"], ["y"], "head"))
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 2])
    graph = helper.make_graph(nodes, "sounds", inputs, [output], tensors)
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


def write_tones(folder: pathlib.Path, count: int = 60, seed: int = 0) -> pd.DataFrame:
    """Files of three formats and rates, of a half to one and a half seconds."""
    random = np.random.default_rng(seed)
    rows = []
    for i in range(count):
        label = ["high", "low"][i % 2]
        rate, kind = [(4000, "wav"), (8000, "flac"), (16000, "ogg")][i % 3]
        frequency = random.uniform(900, 1300) if label == "high" else random.uniform(150, 400)
        path = folder / f"{seed}-{i}.{kind}"
        wave = tone(frequency, random.uniform(0.5, 1.5), rate, seed=i)
        soundfile.write(path, np.stack([wave, wave], axis=1) if i % 5 == 0 else wave, rate)
        rows.append((str(path), label))
    return pd.DataFrame(rows, columns=["path", "label"])


class AudioTest(ProgramTest):
    def test_files_of_every_kind_are_what_soundfile_and_soxr_make_of_them(self) -> None:
        frame = write_tones(self.folder, 6)
        model = strop.load(convolution_model())
        arrays = Waveforms(RATE).encode(model.inputs, {"path": frame["path"].to_numpy()})
        self.assertEqual(arrays["x"].shape[1], 1)
        self.assertEqual(arrays["x"].shape[2] % (RATE // 10), 0)
        for i, path in enumerate(frame["path"]):
            samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
            expected = soxr.resample(samples.mean(axis=1), rate, RATE)
            length = int(arrays["length"][i])
            self.assertEqual(length, len(expected))
            np.testing.assert_allclose(arrays["x"][i, 0, :length], expected, atol=1e-6)
            self.assertFalse(arrays["x"][i, 0, length:].any())

    def test_arrays_are_cut_masked_and_normalized(self) -> None:
        waves = [tone(300, seconds, RATE, 1) for seconds in (0.2, 0.5)]
        sounds = Waveforms(RATE, max_seconds=0.3, normalize=True)
        model = strop.load(convolution_model(rank=2, masked=True))
        column = np.empty(2, object)
        column[:] = [waves[0], {"array": waves[1], "sampling_rate": RATE}]
        arrays = sounds.encode(model.inputs, {"x": column})
        self.assertEqual(arrays["attention_mask"].dtype, np.int32)
        self.assertEqual(arrays["attention_mask"].sum(axis=1).tolist(), [800, 1200])
        for wave, row, length in zip(waves, arrays["x"], (800, 1200), strict=True):
            kept = wave[:length]
            expected = (kept - kept.mean()) / np.sqrt(kept.var() + 1e-7)
            np.testing.assert_allclose(row[:length], expected, rtol=1e-4, atol=1e-5)

    def test_a_classifier_of_tones_from_files(self) -> None:
        training, held_out = write_tones(self.folder), write_tones(self.folder, 30, seed=1)
        for masked, options in ((False, {}), (True, {"group_by_length": True})):
            model = strop.load(convolution_model(rank=2 if masked else 3, masked=masked), seed=1)
            trainer = strop.Trainer(
                model,
                processor=Waveforms(RATE),
                epochs=15,
                learning_rate=0.03,
                batch_size=8,
                **options,
            )
            trainer.fit(training, "label")
            names = np.array(model.class_names)
            predicted = names[trainer.predict(held_out["path"]).argmax(axis=1)]
            self.assertGreater(np.mean(predicted == held_out["label"]), 0.9)
        folder = self.path("saved")
        folder.mkdir()
        model.save(folder / "tones.onnx", write_class_names=True)
        self.assertEqual(sorted(os.listdir(folder)), ["preprocessor_config.json", "tones.onnx"])
        loaded = strop.load(folder / "tones.onnx")
        paths = held_out["path"].tolist()
        np.testing.assert_array_equal(loaded.run(paths)["y"], model.run(paths)["y"])
        self.assertEqual(loaded.processor.sampling_rate, RATE)

    def test_a_padded_batch_has_the_outputs_of_each_sound_alone(self) -> None:
        """Of a model that honours its mask, up to the window of its convolution."""
        model = strop.load(convolution_model(rank=2, masked=True))
        model.processor = Waveforms(RATE)
        waves = [tone(300, seconds, RATE, 1) for seconds in (0.4, 0.9, 0.6)]
        together = model.run(waves)["y"]
        session = model.to_onnxruntime()
        for wave, output in zip(waves, together, strict=True):
            mask = np.ones((1, len(wave)), np.int32)
            [[alone]] = session.run(None, {"x": wave[None], "attention_mask": mask})
            np.testing.assert_allclose(output, alone, rtol=1e-4, atol=1e-5)

    def test_scikit_learn_s_door(self) -> None:
        training, held_out = write_tones(self.folder), write_tones(self.folder, 30, seed=1)
        classifier = StropClassifier(
            model=convolution_model(),
            processor=Waveforms(RATE),
            epochs=15,
            learning_rate=0.03,
            batch_size=8,
            random_state=0,
        )
        classifier.fit(training["path"], training["label"])
        self.assertGreater(classifier.score(held_out[["path"]], held_out["label"]), 0.9)

    def test_what_cannot_be_heard_is_refused_in_one_line(self) -> None:
        inputs = strop.load(convolution_model()).inputs
        sounds = Waveforms(RATE)
        noise = self.path("noise.wav")
        noise.write_bytes(b"no sound at all")
        spectra = self.path("preprocessor_config.json")
        spectra.write_text(json.dumps({"feature_extractor_type": "WhisperFeatureExtractor"}))
        integers = np.empty(1, object)
        integers[:] = [np.zeros(5, np.int16)]
        texts = {"a": np.array(["a.wav"]), "b": np.array(["b.wav"])}
        for call, expected in (
            (lambda: sounds.encode(inputs, {"x": np.array(["none.wav"])}), "no such file"),
            (lambda: sounds.encode(inputs, {"x": np.array([str(noise)])}), "expected a sound"),
            (lambda: sounds.encode(inputs, {"x": integers}), "expected floating numbers"),
            (lambda: sounds.encode(inputs, texts), "found columns of sounds a, b, expected one"),
            (lambda: Waveforms.read(spectra), "found a WhisperFeatureExtractor, expected a Wav2"),
            (lambda: Waveforms(0), "expected some Hz"),
        ):
            with self.assertRaisesRegex(strop.Error, expected) as raised:
                call()
            self.assertNotIn("\n", str(raised.exception))


if __name__ == "__main__":
    unittest.main()
