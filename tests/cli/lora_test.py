"""Adapters on small models: what is trained, and that all exports compute the same."""

import json
import re
import subprocess
import unittest

import numpy as np
import onnx
import onnxruntime
import tomllib
from onnx import TensorProto, helper, numpy_helper
from program import ProgramTest, linear_model, make_model, run

onnxruntime.set_default_logger_severity(3)  # overridable initializers are what we want here


def weight(name: str, *shape: int, seed: int = 0) -> onnx.TensorProto:
    generator = np.random.default_rng([seed, *name.encode()])
    fan_in = max(1, int(np.prod(shape)) // max(shape))
    array = generator.normal(size=shape) / np.sqrt(fan_in)
    return numpy_helper.from_array(array.astype(np.float32), name)


def constants(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    found = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant":
            found[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    return found


def without_data(model: onnx.ModelProto) -> bytes:
    copy = onnx.ModelProto.FromString(model.SerializeToString())
    tensors = list(copy.graph.initializer)
    tensors += [n.attribute[0].t for n in copy.graph.node if n.op_type == "Constant"]
    for tensor in tensors:
        tensor.ClearField("raw_data")
        tensor.ClearField("float_data")
    return copy.SerializeToString()


class LoraTest(ProgramTest):
    def train(
        self, name: str, *options: object, rank: int = 3, epochs: int = 3
    ) -> subprocess.CompletedProcess:
        return self.run_well(
            *("train", self.path("model.onnx"), "--data", self.path("data.npz")),
            *("--batch-size", 4, "--epochs", epochs, "--lora-rank", rank),
            *("--optimizer", "adamw", "--learning-rate", "0.05", *options, "-o", self.path(name)),
        )

    def outputs(self, name: str, x: np.ndarray, adapter: str = "") -> np.ndarray:
        session = onnxruntime.InferenceSession(self.path(name), providers=["CPUExecutionProvider"])
        options = onnxruntime.RunOptions()
        if adapter:
            loaded = onnxruntime.LoraAdapter()
            loaded.Load(str(self.path(adapter)))
            options.add_active_adapter(loaded)
        return session.run(None, {"x": x}, run_options=options)[0]

    def check_exports(
        self,
        model: onnx.ModelProto,
        x: np.ndarray,
        *options: object,
        saved: bool = False,
        rank: int = 3,
    ) -> set[str]:
        """Names of the tensors that a merged export changes, after all exports were compared."""
        if not saved:
            self.save(model)
        count = len(x)
        target = np.random.default_rng(3).integers(0, 3, count)
        np.savez(self.path("data.npz"), x=x, target=target)
        self.train("merged.onnx", "--lora", "*", *options, rank=rank)
        adapter = ["--lora-export", "onnx_adapter"]
        self.train("adapted.onnx", "--lora", "*", *options, *adapter, rank=rank)
        before = self.outputs("model.onnx", x)
        merged = self.outputs("merged.onnx", x)
        self.assertGreater(np.abs(merged - before).max(), 1e-3)
        if "--train" not in options:
            np.testing.assert_allclose(self.outputs("adapted.onnx", x), before, rtol=0, atol=1e-6)
        adapted = self.outputs("adapted.onnx", x, "adapted.onnx_adapter")
        np.testing.assert_allclose(adapted, merged, rtol=1e-5, atol=1e-5)
        onnx.checker.check_model(str(self.path("adapted.onnx")))
        after = onnx.load(self.path("merged.onnx"))
        old, new = constants(onnx.load(self.path("model.onnx"))), constants(after)
        self.assertEqual(without_data(after), without_data(onnx.load(self.path("model.onnx"))))
        return {name for name in old if not np.array_equal(old[name], new[name])}

    def test_gemm_in_every_orientation(self) -> None:
        x = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)
        for trans_a in (0, 1):
            for trans_b in (0, 1):
                shape = (3, 4) if trans_b else (4, 3)
                gemm = {"transA": trans_a, "transB": trans_b, "alpha": 0.5, "beta": 2.0}
                nodes = [helper.make_node("Identity", ["x"], ["h"], name="h")]
                if trans_a:
                    nodes = [helper.make_node("Transpose", ["x"], ["h"], name="h", perm=[1, 0])]
                nodes.append(helper.make_node("Gemm", ["h", "w", "b"], ["y"], name="fc", **gemm))
                model = make_model(nodes, [weight("w", *shape), weight("b", 3)], ["n", 4], ["n", 3])
                with self.subTest(**gemm):
                    self.assertEqual(self.check_exports(model, x), {"w"})

    def test_matmul_with_batch_dimensions_and_behind_a_transpose(self) -> None:
        x = np.random.default_rng(0).normal(size=(8, 5, 4)).astype(np.float32)
        nodes = [
            helper.make_node("MatMul", ["x", "w0"], ["h0"], name="first"),
            helper.make_node("Tanh", ["h0"], ["h1"], name="tanh"),
            helper.make_node("Transpose", ["w1"], ["w1t"], name="transpose"),
            helper.make_node("MatMul", ["h1", "w1t"], ["h2"], name="second"),
            helper.make_node("ReduceMean", ["h2"], ["y"], name="mean", axes=[1], keepdims=0),
        ]
        tensors = [weight("w0", 4, 6), weight("w1", 3, 6)]
        model = make_model(nodes, tensors, ["n", 5, 4], ["n", 3])
        self.assertEqual(self.check_exports(model, x), {"w0", "w1"})

    def test_conv_with_strides_pads_and_dilations(self) -> None:
        x = np.random.default_rng(0).normal(size=(8, 2, 9, 8)).astype(np.float32)
        window = {"strides": [2, 1], "pads": [1, 0, 2, 1], "dilations": [1, 2]}
        nodes = [
            helper.make_node("Conv", ["x", "w", "b"], ["h"], name="conv", **window),
            helper.make_node("GlobalAveragePool", ["h"], ["p"], name="pool"),
            helper.make_node("Flatten", ["p"], ["y"], name="flatten"),
        ]
        tensors = [weight("w", 3, 2, 3, 2), weight("b", 3)]
        model = make_model(nodes, tensors, ["n", 2, 9, 8], ["n", 3])
        self.assertEqual(self.check_exports(model, x), {"w"})

    def test_conv_in_groups(self) -> None:
        x = np.random.default_rng(0).normal(size=(8, 4, 6, 6)).astype(np.float32)
        nodes = [
            helper.make_node("Conv", ["x", "w0", "b0"], ["h"], name="grouped", group=2),
            helper.make_node("Relu", ["h"], ["r"], name="relu"),
            helper.make_node("Conv", ["r", "w1"], ["i"], name="depthwise", group=6, pads=[1] * 4),
            helper.make_node("GlobalAveragePool", ["i"], ["p"], name="pool"),
            helper.make_node("Flatten", ["p"], ["f"], name="flatten"),
            helper.make_node("Gemm", ["f", "w2"], ["y"], name="head"),
        ]
        tensors = [weight("w0", 6, 2, 3, 3), weight("b0", 6), weight("w1", 6, 1, 3, 3)]
        model = make_model(nodes, [*tensors, weight("w2", 6, 3)], ["n", 4, 6, 6], ["n", 3])
        self.assertEqual(self.check_exports(model, x, rank=4), {"w0", "w2"})
        self.assertEqual(self.check_exports(model, x, rank=6), {"w0", "w1", "w2"})
        done = self.train("merged.onnx", "--lora", "*", rank=4)
        note = 'note: no adapter for "w1": "depthwise" (Conv) has 6 groups, expected a divisor of'
        self.assertIn(note, done.stderr)

    def test_alone_means_all_but_the_output_layer(self) -> None:
        self.save(linear_model(hidden=8))
        self.save_data(**self.samples())
        for name, *options in (("alone.onnx",), ("word.onnx", "all-linear"), ("w0.onnx", "w0")):
            self.train(name, "--lora", *options)
        for name in ("word.onnx", "w0.onnx"):
            self.assertEqual(self.path("alone.onnx").read_bytes(), self.path(name).read_bytes())

    def test_a_new_head_is_trained_whole(self) -> None:
        model = linear_model(hidden=8)
        model.graph.initializer[0].name = "body.weight"
        model.graph.node[0].input[1] = "body.weight"
        for i, name in ((2, "head.weight"), (3, "head.bias")):
            model.graph.initializer[i].name = name
            model.graph.node[2].input[i - 1] = name
        self.save(model)
        samples = self.samples(classes=5)
        self.save_data(**samples)
        for options in ((), ("--freeze", "head.bias")):
            trains = {"head.weight"} if options else {"head.weight", "head.bias"}
            options = ("--lora", "--replace-head", 5, *options)
            self.train("untrained.onnx", *options, epochs=0)
            self.train("merged.onnx", *options)
            self.train("adapted.onnx", *options, "--lora-export", "onnx_adapter")
            before = constants(onnx.load(self.path("untrained.onnx")))
            after = constants(onnx.load(self.path("merged.onnx")))
            changed = {n for n in before if not np.array_equal(before[n], after[n])}
            self.assertEqual(changed, {"body.weight", *trains})
            x = samples["x"]
            adapted = self.outputs("adapted.onnx", x, "adapted.onnx_adapter")
            np.testing.assert_allclose(adapted, self.outputs("merged.onnx", x), atol=1e-5)
            self.train("peft", *options, "--lora-export", "peft")
            config = json.loads((self.path("peft") / "adapter_config.json").read_text())
            self.assertEqual(config["target_modules"], ["body"])
            self.assertEqual(config["modules_to_save"], ["head"])

    def test_a_weight_that_two_layers_share_has_one_adapter(self) -> None:
        x = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)
        nodes = [
            helper.make_node("MatMul", ["x", "w"], ["h0"], name="first"),
            helper.make_node("Tanh", ["h0"], ["h1"], name="tanh"),
            helper.make_node("MatMul", ["h1", "w"], ["y"], name="second"),
        ]
        model = make_model(nodes, [weight("w", 4, 4)], ["n", 4], ["n", 4])
        self.assertEqual(self.check_exports(model, x), {"w"})
        self.assertEqual(len(onnx.load(self.path("adapted.onnx")).graph.input), 3)

    def test_weights_in_constant_nodes(self) -> None:
        x = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)
        nodes = [
            helper.make_node("Constant", [], ["w"], name="c", value=weight("", 4, 3)),
            helper.make_node("MatMul", ["x", "w"], ["y"], name="fc"),
        ]
        model = make_model(nodes, [], ["n", 4], ["n", 3])
        self.assertEqual(self.check_exports(model, x), {"w"})

    def test_external_data(self) -> None:
        x = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)
        model = linear_model(hidden=8)
        path = str(self.path("model.onnx"))
        onnx.save(model, path, save_as_external_data=True, location="w.bin", size_threshold=0)
        self.assertEqual(self.check_exports(model, x, saved=True), {"w0", "w1"})

    def test_old_opsets(self) -> None:
        x = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)
        model = linear_model(hidden=8)
        model.opset_import[0].version = 7
        model.ir_version = 3
        names = [t.name for t in model.graph.initializer]
        for tensor in model.graph.initializer:
            info = helper.make_tensor_value_info(tensor.name, TensorProto.FLOAT, tensor.dims)
            model.graph.input.append(info)
        self.assertEqual(self.check_exports(model, x), {n for n in names if n[0] == "w"})

    def test_what_train_names_is_trained_whole(self) -> None:
        x = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)
        changed = self.check_exports(linear_model(hidden=8), x, "--train", "?1")
        self.assertEqual(changed, {"w0", "w1", "b1"})
        names = [i.name for i in onnx.load(self.path("adapted.onnx")).graph.input]
        self.assertEqual(names, ["x", "w0/lora_A", "w0/lora_B"])

    def test_frozen_weights_get_no_adapter(self) -> None:
        x = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)
        self.assertEqual(self.check_exports(linear_model(hidden=8), x, "--freeze", "w0"), {"w1"})

    def test_rank_stabilized_scaling(self) -> None:
        self.save(linear_model(hidden=8))
        self.save_data(**self.samples())
        self.train("a.onnx", "--lora", "*", "--lora-alpha", "32", rank=4)
        self.train("b.onnx", "--lora", "*", "--lora-rslora", rank=4)
        self.assertEqual(self.path("a.onnx").read_bytes(), self.path("b.onnx").read_bytes())

    def test_nodes_are_matched_too(self) -> None:
        self.save(linear_model(hidden=8))
        self.save_data(**self.samples())
        self.train("by_node.onnx", "--lora", "fc1")
        self.train("by_weight.onnx", "--lora", "w1")
        self.assertEqual(
            self.path("by_node.onnx").read_bytes(), self.path("by_weight.onnx").read_bytes()
        )

    def test_a_run_keeps_its_patterns(self) -> None:
        self.save(linear_model(hidden=8))
        self.save_data(**self.samples())
        for name, options, kept in (
            ("none", [], None),
            ("two", ["--lora", "w0", "--lora", "w1"], ["w0", "w1"]),
            ("alone", ["--lora"], ["all-linear"]),
        ):
            self.run_well(
                *("train", self.path("model.onnx"), "--data", self.path("data.npz"), *options),
                *("-o", self.path("first.onnx"), "--run-directory", self.path(name)),
            )
            config = self.path(name) / "config.toml"
            self.assertEqual(tomllib.loads(config.read_text()).get("lora"), kept)
            again = ["--run-directory", self.path(f"{name} again"), "-o", self.path("again.onnx")]
            self.run_well("train", "--config", config, *again)
            again = self.path("again.onnx").read_bytes()
            self.assertEqual(again, self.path("first.onnx").read_bytes())

    def test_without_training_the_file_is_the_same(self) -> None:
        self.save(linear_model())
        self.save_data(**self.samples())
        self.train("same.onnx", "--lora", "*", epochs=0)
        self.assertEqual(self.path("same.onnx").read_bytes(), self.path("model.onnx").read_bytes())

    def test_dropout_rests_in_validation(self) -> None:
        self.save(linear_model(hidden=8))
        data = self.save_data(**self.samples(count=24))
        options = ["--data", data, "--batch-size", "8", "--epochs", "2", "--lora", "*"]
        options += ["--validation-data", data, "--json"]
        lines = []
        for name in ("a.onnx", "b.onnx"):
            out = ["--lora-dropout", "0.5", "-o", self.path(name)]
            done = self.run_well("train", self.path("model.onnx"), *options, *out)
            lines.append([json.loads(line) for line in done.stdout.splitlines()])
        self.assertEqual(self.path("a.onnx").read_bytes(), self.path("b.onnx").read_bytes())
        done = self.run_well("evaluate", self.path("a.onnx"), "--data", data, "--json")
        merged = json.loads(done.stdout)["loss"]
        self.assertAlmostEqual(lines[0][-1]["validation_loss"], merged, delta=1e-5)
        out = ["-o", self.path("c.onnx")]
        dry = self.run_well("train", self.path("model.onnx"), *options, *out)
        other = json.loads(dry.stdout.splitlines()[-1])
        self.assertNotEqual(lines[0][-1]["train_loss"], other["train_loss"])


class RecomputationTest(ProgramTest):
    def test_gives_the_same_bits_in_less_memory(self) -> None:
        """Whole training of a block whose Gelu and LayerNormalizations feed products."""
        nodes, tensors, value = [], [weight("head", 8, 3)], "x"
        for i in range(4):
            names = [f"{role}{i}" for role in ("up", "down", "scale", "shift")]
            shapes = [(8, 64), (64, 8), (8,), (8,)]
            tensors += [weight(n, *s) for n, s in zip(names, shapes, strict=True)]
            up, down, scale, shift = names
            nodes += [
                helper.make_node("MatMul", [value, up], [f"u{i}"], name=f"mm_{up}"),
                helper.make_node("Gelu", [f"u{i}"], [f"g{i}"], name=f"gelu{i}"),
                helper.make_node("MatMul", [f"g{i}", down], [f"d{i}"], name=f"mm_{down}"),
                helper.make_node("Add", [f"d{i}", value], [f"r{i}"], name=f"residual{i}"),
                helper.make_node("LayerNormalization", [f"r{i}", scale, shift], [f"n{i}"]),
            ]
            value = f"n{i}"
        nodes.append(helper.make_node("MatMul", [value, "head"], ["y"], name="mm_head"))
        model = make_model(nodes, tensors, ["n", 8], ["n", 3])
        model.opset_import[0].version = 20
        self.save(model)
        data = self.save_data(**self.samples(count=256, features=8))
        arenas = []
        for name, flags in (("kept.onnx", []), ("again.onnx", ["--recompute-activations"])):
            done = self.run_well(
                *("train", self.path("model.onnx"), "--data", data, "--batch-size", "128"),
                *("--dump", "plan", "-o", self.path(name), *flags),
            )
            arenas.append(int(re.findall(r"^arena (\d+) bytes", done.stderr, re.MULTILINE)[0]))
        self.assertEqual(self.path("kept.onnx").read_bytes(), self.path("again.onnx").read_bytes())
        self.assertLess(arenas[1], 0.8 * arenas[0])


class RefusalTest(ProgramTest):
    def refused(self, code: int, message: str, *options: object) -> None:
        data = self.path("data.npz")
        if not data.exists():
            self.save_data(**self.samples())
        command = ["train", self.path("model.onnx"), "--data", data, "-o", self.path("out.onnx")]
        done = run(*command, *options)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(message, done.stderr)
        self.assertFalse(self.path("out.onnx").exists())

    def test_patterns_that_match_nothing(self) -> None:
        self.save(linear_model())
        self.refused(65, 'lora: --lora "b0" matches no weight', "--lora", "b0")
        self.refused(65, "lora: found no weight", "--lora", "--freeze", "*")
        self.refused(65, "give the output layer an adapter with --lora '*'", "--lora")

    def test_options_that_make_no_sense_together(self) -> None:
        self.save(linear_model())
        self.refused(2, "--lora", "--lora-rank", "4")
        self.refused(2, "exclude each other", "--lora", "*", "--train-only", "b0")
        self.refused(2, "--lora-rank", "--lora", "*", "--lora-rank", "0")
        self.refused(2, "did you mean peft", "--lora", "*", "--lora-export", "pfet")

    def test_grouped_convolutions(self) -> None:
        nodes = [
            helper.make_node("Conv", ["x", "w"], ["h"], name="depthwise", group=4),
            helper.make_node("Flatten", ["h"], ["f"], name="flatten"),
            helper.make_node("MatMul", ["f", "v"], ["y"], name="head"),
        ]
        tensors = [weight("w", 4, 1, 3, 3), weight("v", 4, 3)]
        self.save(make_model(nodes, tensors, ["n", 4, 3, 3], ["n", 3]))
        x = np.ones((4, 4, 3, 3), np.float32)
        self.save_data(x=x, target=np.arange(4) % 3)
        message = '"depthwise" (Conv) has 4 groups, expected a divisor of the rank, 6'
        self.refused(65, message, "--lora", "w*", "--lora-rank", 6)
        data = ["--data", self.path("data.npz"), "-o", self.path("out.onnx")]
        self.run_well("train", self.path("model.onnx"), *data, "--lora", "*")

    def test_weights_that_others_read_too(self) -> None:
        nodes = [
            helper.make_node("Gather", ["w", "x"], ["h"], name="words"),
            helper.make_node("Transpose", ["w"], ["wt"], name="transpose", perm=[1, 0]),
            helper.make_node("MatMul", ["h", "wt"], ["y"], name="head"),
        ]
        model = make_model(nodes, [weight("w", 7, 4)], ["n"], ["n", 7], TensorProto.INT64)
        self.save(model)
        self.save_data(x=np.arange(6) % 7, target=np.arange(6))
        self.refused(65, '"words" (Gather) reads it too', "--lora", "head")
        self.refused(65, "lora: found no weight", "--lora", "*")

    def test_peft_without_names_of_modules(self) -> None:
        self.save(linear_model())
        out = ["--lora", "*", "--lora-export", "peft"]
        self.refused(65, 'export: peft: no name tells the PyTorch module of "w0"', *out)

    def test_peft_into_a_file(self) -> None:
        model = linear_model()
        for tensor, name in zip(model.graph.initializer, ("fc.weight", "fc.bias"), strict=True):
            tensor.name = name
        model.graph.node[0].input[1:] = ["fc.weight", "fc.bias"]
        self.save(model)
        data = self.save_data(**self.samples())
        done = run(
            *("train", self.path("model.onnx"), "--data", data, "--lora", "*"),
            *("--lora-export", "peft", "-o", data),
        )
        self.assertEqual(done.returncode, 73, done.stderr)
        self.assertIn("is the input --data", done.stderr)


if __name__ == "__main__":
    unittest.main()
