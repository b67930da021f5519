"""What is listed as trained and cannot move: said by inspect, train and --dry-run, or refused."""

import json
import unittest

import numpy as np
import onnx
from onnx import helper, numpy_helper
from program import ProgramTest, make_model, run

NODE = helper.make_node
RANDOM = np.random.default_rng(5)


def tensor(name: str, *shape: int) -> onnx.TensorProto:
    return numpy_helper.from_array(RANDOM.normal(size=shape).astype(np.float32), name)


def weights(path: object) -> dict[str, np.ndarray]:
    stored = onnx.load(path).graph.initializer
    return {t.name: numpy_helper.to_array(t) for t in stored}


def coded_model(has_decoder: bool = True) -> onnx.ModelProto:
    """An encoder, a rounded code, a decoder."""
    nodes = [
        NODE("Gemm", ["x", "enc.w", "enc.b"], ["h"], name="enc"),
        NODE("Round", ["h"], ["code" if has_decoder else "y"], name="rounded"),
    ]
    tensors = [tensor("enc.w", 4, 3), tensor("enc.b", 3)]
    if has_decoder:
        nodes.append(NODE("Gemm", ["code", "dec.w", "dec.b"], ["y"], name="dec"))
        tensors += [tensor("dec.w", 3, 3), tensor("dec.b", 3)]
    return make_model(nodes, tensors, ["n", 4], ["n", 3])


class Unreached(ProgramTest):
    def train(self, *options: object) -> object:
        data = self.save_data(
            x=RANDOM.normal(size=(16, 4)).astype(np.float32),
            target=RANDOM.normal(size=(16, 3)).astype(np.float32),
        )
        return run(
            *("train", self.path("model.onnx"), "--data", data, "--loss", "mse", "--epochs", 2),
            *("--learning-rate", 0.1, *options, "-o", self.path("out.onnx")),
        )

    def no_gradient(self) -> dict[str, str]:
        page = json.loads(run("inspect", self.path("model.onnx"), "--json").stdout)
        return {p["name"]: p["no_gradient"] for p in page["parameters"] if "no_gradient" in p}

    def test_behind_a_round(self) -> None:
        path = self.save(coded_model())
        why = 'passes "rounded" (Round), through which no gradient flows'
        told = f'note: "enc.w" and "enc.b" get no gradient: every path to the loss {why}'
        done = self.train("--optimizer", "adam")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr.count(told), 1)
        before, after = weights(path), weights(self.path("out.onnx"))
        moved = {name for name in before if not np.array_equal(before[name], after[name])}
        self.assertEqual(moved, {"dec.w", "dec.b"})

        dry = self.train("--dry-run", "--json")
        self.assertIn(told, dry.stderr)
        page = json.loads(dry.stdout)
        self.assertEqual(page["trained_tensors"], 2)
        self.assertEqual([row["name"] for row in page["unreached"]], ["enc.w", "enc.b"])

        reason = f'every path to output "y" {why}'
        self.assertEqual(self.no_gradient(), {"enc.w": reason, "enc.b": reason})
        text = run("inspect", path).stdout
        self.assertIn(f'weight of "enc" (Gemm), but it gets no gradient: {reason}', text)
        self.assertIn("27 elements trained (15 of them get no gradient)", text)

    def test_told_by_who_tries_rates(self) -> None:
        self.save(coded_model())
        self.train()
        done = run(
            *("find-learning-rate", self.path("model.onnx"), "--data", self.path("data.npz")),
            *("--loss", "mse", "--steps", 20),
        )
        self.assertEqual(done.stderr.count('note: "enc.w" and "enc.b" get no gradient'), 1)

    def test_nothing_would_move(self) -> None:
        self.save(coded_model(has_decoder=False))
        done = self.train()
        self.assertEqual(done.returncode, 65)
        self.assertIn('no tensor would move: "enc.w" and "enc.b" get no gradient', done.stderr)
        self.assertIn('"rounded" (Round)', done.stderr)
        obstacles = json.loads(run("inspect", self.path("model.onnx"), "--json").stdout)
        self.assertEqual(obstacles["obstacles"], ["no gradient reaches anything that is trained"])

    def test_in_the_first_epochs(self) -> None:
        self.save(coded_model())
        done = self.train("--unfreeze", "2:dec*")
        self.assertEqual(done.returncode, 65)
        self.assertIn('no tensor would move in epoch 1: "enc.w" and "enc.b" get', done.stderr)
        self.assertIn("or unfreeze some earlier", done.stderr)

    def test_of_another_output(self) -> None:
        model = coded_model()
        model.graph.node.append(NODE("MatMul", ["x", "side.w"], ["z"]))
        model.graph.initializer.append(tensor("side.w", 4, 2))
        model.graph.output.append(helper.make_tensor_value_info("z", 1, ["n", 2]))
        self.save(model)
        self.assertEqual(self.no_gradient()["side.w"], 'nothing on the way to output "y" reads it')
        done = self.train()
        self.assertIn('"side.w" gets no gradient: nothing on the way to the loss', done.stderr)

    def test_chosen_by_the_user(self) -> None:
        model = coded_model()
        model.graph.initializer.append(tensor("spare", 3))
        self.save(model)
        done = self.train("--train", "spare")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('"spare" gets no gradient: nothing on the way to the loss', done.stderr)


class Polynomial(ProgramTest):
    """z = bias + Σ x·c1 + x²·c2: nothing of it looks like a weight, and all of it can be one."""

    def setUp(self) -> None:
        super().setUp()
        nodes = [
            NODE("Mul", ["x", "c1"], ["a"]),
            NODE("Mul", ["x", "x"], ["xx"]),
            NODE("Mul", ["xx", "c2"], ["d"]),
            NODE("Add", ["a", "d"], ["p"]),
            NODE("ReduceSum", ["p", "axis"], ["s"], keepdims=1),
            NODE("Add", ["s", "bias"], ["y"]),
        ]
        self.start = {
            "c1": np.array([[0.1, -0.1]], np.float32),
            "c2": np.array([0.2, 0.1], np.float32),
            "bias": np.array([0.05], np.float32),
        }
        tensors = [numpy_helper.from_array(v, n) for n, v in self.start.items()]
        tensors.append(numpy_helper.from_array(np.array([1]), "axis"))
        self.model = self.save(make_model(nodes, tensors, ["n", 2], ["n", 1]))
        self.x = RANDOM.normal(size=(60, 2)).astype(np.float32)
        self.target = (self.x @ [[-2], [3]] + self.x**2 @ [[0.5], [-0.3]] - 1).astype(np.float32)
        self.data = self.save_data(x=self.x, target=self.target)

    def train(self, *options: object) -> object:
        return run(
            *("train", self.model, "--data", self.data, "--loss", "mse", "--optimizer", "gd"),
            *("--learning-rate", 0.05, "--epochs", 5, "--batch-size", 20, "--no-shuffle"),
            *(*options, "-o", self.path("out.onnx")),
        )

    def test_told_why_nothing_is_trained(self) -> None:
        done = self.train()
        self.assertEqual(done.returncode, 65)
        self.assertIn("the model has no tensor to train", done.stderr)
        for name in self.start:
            self.assertIn(f'"{name}"', done.stderr)
        self.assertIn("--train", done.stderr)

    def test_trained_as_chosen(self) -> None:
        done = self.train("--train", "c*", "--train", "bias")
        self.assertEqual(done.returncode, 0, done.stderr)
        found = weights(self.path("out.onnx"))
        c1, c2, bias = (self.start[name].astype(np.float64) for name in ("c1", "c2", "bias"))
        for _ in range(5):
            for i in range(0, 60, 20):
                x, target = self.x[i : i + 20], self.target[i : i + 20]
                residual = (x * c1 + x**2 * c2).sum(axis=1, keepdims=True) + bias - target
                rate = 0.05 * 2 / 20
                c1 = c1 - rate * (residual * x).sum(axis=0, keepdims=True)
                c2 = c2 - rate * (residual * x**2).sum(axis=0)
                bias = bias - rate * residual.sum(axis=0)
        for name, expected in {"c1": c1, "c2": c2, "bias": bias}.items():
            np.testing.assert_allclose(found[name], expected, rtol=2e-5, err_msg=name)


if __name__ == "__main__":
    unittest.main()
