"""`strop gradient`: the right number for whatever tensor is asked for, and never a zero without a
word. ONNX Runtime's finite differences in double, exact for what is quadratic, are the oracle."""

import json
import unittest

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from program import ProgramTest, run
from scipy import special

NODE = helper.make_node
RANDOM = np.random.default_rng(3)


def tensor(name: str, *shape: int) -> onnx.TensorProto:
    return numpy_helper.from_array(RANDOM.normal(size=shape), name)


def integers(name: str, *numbers: int) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(numbers, dtype=np.int64), name)


def double_model(
    nodes: list[onnx.NodeProto],
    tensors: list[onnx.TensorProto],
    functions: list[onnx.FunctionProto] = (),
    outputs: tuple[str, ...] = ("y",),
    opset: int = 17,
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("x", TensorProto.DOUBLE, ["n", 4])],
        [helper.make_tensor_value_info(name, TensorProto.DOUBLE, None) for name in outputs],
        tensors,
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("local", 1)]
    return helper.make_model(graph, ir_version=10, opset_imports=opsets, functions=functions)


def function(
    name: str, inputs: list[str], outputs: list[str], nodes: list[onnx.NodeProto]
) -> onnx.FunctionProto:
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    return helper.make_function("local", name, inputs, outputs, nodes, opsets)


def finite_differences(model: onnx.ModelProto, name: str, x: np.ndarray) -> np.ndarray:
    """Of the sum of all outputs by each element of an initializer, by ONNX Runtime."""
    moving = onnx.ModelProto()
    moving.CopyFrom(model)
    stored = next(t for t in moving.graph.initializer if t.name == name)
    start = numpy_helper.to_array(stored)
    moving.graph.initializer.remove(stored)
    moving.graph.input.append(helper.make_tensor_value_info(name, stored.data_type, start.shape))
    session = onnxruntime.InferenceSession(moving.SerializeToString())
    slopes = np.zeros(start.shape)
    for index in np.ndindex(start.shape):
        sums = []
        for step in (0.5, -0.5):
            moved = start.copy()
            moved[index] += step
            sums.append(sum(np.sum(y) for y in session.run(None, {"x": x, name: moved})))
        slopes[index] = sums[0] - sums[1]
    return slopes


class GradientTest(ProgramTest):
    def gradients(self, model: onnx.ModelProto, x: np.ndarray, *names: str) -> tuple[dict, str]:
        done = run(
            *("gradient", self.save(model), "--inputs", self.save_data("in.npz", x=x)),
            *("--precision", "f64", "--wrt", *names, "-o", self.path("g.npz")),
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return dict(np.load(self.path("g.npz"))), done.stderr

    def assert_right(self, model: onnx.ModelProto, x: np.ndarray, *names: str) -> None:
        found, said = self.gradients(model, x, *names)
        self.assertEqual(said, "")
        for name in names:
            expected = finite_differences(model, name, x)
            self.assertTrue(expected.any(), name)
            np.testing.assert_allclose(found[name], expected, rtol=1e-9, atol=1e-9, err_msg=name)


class ConstantsInFunctions(GradientTest):
    """A function's name for a tensor of the model is that tensor."""

    def nested_model(self) -> onnx.ModelProto:
        hand = function("Hand", ["b"], ["c"], [NODE("Identity", ["b"], ["c"])])
        turn = function(  # [3, 2] through a call, Cast, Reshape and Transpose to [2, 3] and [6]
            *("Turn", ["b"], ["rows", "line"]),
            [
                NODE("Hand", ["b"], ["own"], domain="local"),
                NODE("Cast", ["own"], ["cast"], to=TensorProto.DOUBLE),
                NODE("Constant", [], ["flat"], value_ints=[-1]),
                NODE("Reshape", ["cast", "flat"], ["line"]),
                NODE("Identity", ["cast"], ["again"]),
                NODE("Transpose", ["again"], ["rows"], perm=[1, 0]),
            ],
        )
        scale = function(
            *("Scale", ["a", "b"], ["o"]),
            [
                NODE("Identity", ["b"], ["c"]),
                NODE("Constant", [], ["k0"], value=tensor("", 3)),
                NODE("Identity", ["k0"], ["k"]),
                NODE("Mul", ["a", "c"], ["m"]),
                NODE("Add", ["m", "k"], ["o"]),
            ],
        )
        # Few bits, so that float holds a step up and down, too.
        few_bits = np.round(RANDOM.normal(size=(3, 2)) * 256) / 256
        narrow = numpy_helper.from_array(few_bits.astype(np.float32), "narrow")
        nodes = [
            NODE("MatMul", ["x", "w"], ["h"]),
            NODE("Scale", ["h", "gain"], ["s0"], domain="local", name="first"),
            NODE("Scale", ["s0", "gain"], ["s1"], domain="local", name="second"),
            NODE("Turn", ["narrow"], ["rows", "line"], domain="local"),
            NODE("MatMul", ["rows", "column"], ["r"]),
            NODE("ReduceSum", ["r"], ["r0"], keepdims=0),
            NODE("Gather", ["line", "picks"], ["picked"]),
            NODE("Add", ["s1", "picked"], ["s2"]),
            NODE("Mul", ["s2", "r0"], ["y"]),
        ]
        tensors = [tensor("w", 4, 3), tensor("gain", 3), narrow, tensor("column", 3, 1)]
        tensors.append(integers("picks", 5, 0, 1))
        return double_model(nodes, tensors, [hand, turn, scale])

    def test_nested_functions(self) -> None:
        x = RANDOM.normal(size=(5, 4))
        self.assert_right(self.nested_model(), x, "w", "gain", "narrow", "column")

    def test_constant_of_a_function_body(self) -> None:
        """Each call has its own: Σ over the batch of what stands behind it."""
        model, x = self.nested_model(), RANDOM.normal(size=(5, 4))
        found, _ = self.gradients(model, x, "first/k0", "second/k0")
        parts = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
        rows = np.sum(parts["narrow"].astype(np.float64).T @ parts["column"])
        np.testing.assert_allclose(found["second/k0"], np.full(3, 5 * rows), rtol=1e-12)
        np.testing.assert_allclose(found["first/k0"], 5 * rows * parts["gain"], rtol=1e-12)

    def test_body_of_a_schema(self) -> None:
        """Attention's mask goes through an Identity of the schema's own body."""
        nodes = [
            NODE("MatMul", ["x", "w"], ["q"]),
            NODE("Attention", ["q", "x", "x", "mask"], ["y"], q_num_heads=1, kv_num_heads=1),
        ]
        model = double_model(nodes, [tensor("w", 4, 4), tensor("mask", 3, 3)], opset=23)
        model.graph.input[0].CopyFrom(
            helper.make_tensor_value_info("x", TensorProto.DOUBLE, ["n", 3, 4])
        )
        x = RANDOM.normal(size=(2, 3, 4))
        found, _ = self.gradients(model, x, "mask")
        mask = next(t for t in model.graph.initializer if t.name == "mask")
        start = numpy_helper.to_array(mask)
        for index in np.ndindex(3, 3):
            sums = []
            for step in (1e-4, -1e-4):
                moved = start.copy()
                moved[index] += step
                mask.CopyFrom(numpy_helper.from_array(moved, "mask"))
                sums.append(np.sum(ReferenceEvaluator(model).run(None, {"x": x})[0]))
            self.assertAlmostEqual(found["mask"][index], (sums[0] - sums[1]) / 2e-4, delta=1e-6)

    def test_training_moves_them(self) -> None:
        hand = function(
            *("Shift", ["a", "b"], ["o"]),
            [NODE("Identity", ["b"], ["c"]), NODE("Add", ["a", "c"], ["o"])],
        )
        nodes = [
            NODE("MatMul", ["x", "w"], ["h"]),
            NODE("Shift", ["h", "b"], ["y"], domain="local"),
        ]
        model = double_model(nodes, [tensor("w", 4, 3), tensor("b", 3)], [hand])
        path, x = self.save(model), RANDOM.normal(size=(8, 4))
        rows = json.loads(run("inspect", path, "--json").stdout)["parameters"]
        roles = {row["name"]: row["role"] for row in rows}
        self.assertEqual(roles, {"w": "trained", "b": "trained"})
        weights = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
        target = RANDOM.normal(size=(8, 3))
        done = run(
            *("train", path, "--data", self.save_data(x=x, target=target), "--loss", "mse"),
            *("--optimizer", "gd", "--learning-rate", 0.5, "--steps", 1, "--batch-size", 8),
            *("--no-shuffle", "-o", self.path("out.onnx")),
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        trained = onnx.load(self.path("out.onnx")).graph.initializer
        found = {t.name: numpy_helper.to_array(t) for t in trained}
        residual = x @ weights["w"] + weights["b"] - target
        np.testing.assert_allclose(
            found["b"], weights["b"] - 0.5 * 2 * residual.sum(axis=0) / residual.size, rtol=1e-12
        )

    def test_equal_names_stay_apart(self) -> None:
        """An initializer may be called what a function's constant is called once it is inlined."""
        add = function(
            *("Shift", ["a"], ["o"]),
            [NODE("Constant", [], ["k"], value=tensor("", 4)), NODE("Add", ["a", "k"], ["o"])],
        )
        nodes = [
            NODE("Shift", ["x"], ["h"], domain="local", name="call"),
            NODE("Mul", ["h", "call/k"], ["y"]),
        ]
        model = double_model(nodes, [tensor("call/k", 4)], [add])
        x = RANDOM.normal(size=(5, 4))
        self.assert_right(model, x, "call/k")
        session = onnxruntime.InferenceSession(model.SerializeToString())
        done = run(
            *("run", self.save(model), "--inputs", self.save_data("in.npz", x=x)),
            *("-o", self.path("y.npz")),
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        np.testing.assert_allclose(
            np.load(self.path("y.npz"))["y"], session.run(None, {"x": x})[0], rtol=1e-12
        )


class IdentityInTheMainGraph(GradientTest):
    def test_that_alone_reads_a_constant(self) -> None:
        nodes = [
            NODE("Identity", ["w"], ["v"]),
            NODE("Identity", ["v"], ["u"]),
            NODE("MatMul", ["x", "u"], ["y"]),
        ]
        self.assert_right(double_model(nodes, [tensor("w", 4, 3)]), np.ones((5, 4)), "w")

    def test_that_parts_is_told(self) -> None:
        """PyTorch stores equal tensors once; each is a parameter of its own."""
        nodes = [
            NODE("Identity", ["b"], ["c"]),
            NODE("Add", ["x", "b"], ["h"]),
            NODE("Add", ["h", "c"], ["y"]),
        ]
        model, x = double_model(nodes, [tensor("b", 4)]), np.ones((5, 4))
        found, said = self.gradients(model, x, "b")
        np.testing.assert_array_equal(found["b"], np.full(4, 5))
        self.assertIn('gradient of "b" is without that of "c"', said)
        found, _ = self.gradients(model, x, "b", "c")
        both = finite_differences(model, "b", x)
        np.testing.assert_allclose(found["b"] + found["c"], both, rtol=1e-9)


class NothingIsZeroWithoutAWord(GradientTest):
    def assert_told(
        self, nodes: list[onnx.NodeProto], tensors: list[onnx.TensorProto], name: str, why: str
    ) -> None:
        model, x = double_model(nodes, tensors), RANDOM.normal(size=(5, 4))
        found, said = self.gradients(model, x, name)
        self.assertFalse(found[name].any())
        self.assertEqual(said, f'note: "{name}" gets no gradient: {why}\n')

    def test_unread(self) -> None:
        nodes = [NODE("Add", ["x", "b"], ["dead"]), NODE("Mul", ["x", "x"], ["y"])]
        why = 'nothing on the way to output "y" reads it'
        self.assert_told(nodes, [tensor("b", 4)], "b", why)
        self.assert_told(nodes[1:], [tensor("b", 4)], "b", why)

    def test_operators_that_let_none_through(self) -> None:
        flow = ", through which no gradient flows"
        for middle, label in (
            ([NODE("Round", ["h"], ["r"], name="code")], '"code" (Round)'),
            ([NODE("Floor", ["h"], ["r"], name="code")], '"code" (Floor)'),
            (
                [
                    NODE("Cast", ["h"], ["i"], to=TensorProto.INT64, name="whole"),
                    NODE("Cast", ["i"], ["r"], to=TensorProto.DOUBLE),
                ],
                '"whole" (Cast)',
            ),
            (
                [
                    NODE("ArgMax", ["h"], ["i"], axis=1, name="best"),
                    NODE("Cast", ["i"], ["r"], to=TensorProto.DOUBLE),
                ],
                '"best" (ArgMax)',
            ),
            (
                [
                    NODE("Greater", ["h", "x"], ["i"], name="which"),
                    NODE("Where", ["i", "x", "zero"], ["r"]),
                ],
                '"which" (Greater)',
            ),
        ):
            nodes = [NODE("Add", ["x", "b"], ["h"]), *middle, NODE("Mul", ["r", "x"], ["y"])]
            tensors = [tensor("b", 1, 4), tensor("zero", 4)]
            if "ArgMax" in label:
                tensors[0] = tensor("b", 5, 4)
                nodes[-1] = NODE("ReduceSum", ["r"], ["y"])
            with self.subTest(label):
                self.assert_told(
                    nodes, tensors, "b", f'every path to output "y" passes {label}{flow}'
                )

    def test_several_on_the_way(self) -> None:
        nodes = [
            NODE("Floor", ["b"], ["low"], name="floor"),
            NODE("Ceil", ["b"], ["high"], name="ceil"),
            NODE("Add", ["low", "high"], ["sum"]),
            NODE("Mul", ["x", "sum"], ["y"]),
        ]
        why = 'every path to output "y" passes "floor" (Floor) or another operator'
        self.assert_told(nodes, [tensor("b", 4)], "b", why + ", through which no gradient flows")

    def test_a_way_around(self) -> None:
        nodes = [
            NODE("Floor", ["b"], ["low"]),
            NODE("Add", ["low", "b"], ["sum"]),
            NODE("Mul", ["x", "sum"], ["y"]),
        ]
        found, said = self.gradients(double_model(nodes, [tensor("b", 4)]), np.ones((5, 4)), "b")
        self.assertEqual(said, "")
        np.testing.assert_array_equal(found["b"], np.full(4, 5))

    def test_constants_of_a_gelu(self) -> None:
        """They are part of what a pass recognizes, unless their own gradient is asked for."""
        numbers = {"root": np.sqrt(2), "one": 1.0, "half": 0.5}
        tensors = [numpy_helper.from_array(np.array(v), n) for n, v in numbers.items()]
        nodes = [
            NODE("Div", ["x", "root"], ["s"]),
            NODE("Erf", ["s"], ["e"]),
            NODE("Add", ["e", "one"], ["t"]),
            NODE("Mul", ["x", "t"], ["p"]),
            NODE("Mul", ["p", "half"], ["y"]),
        ]
        model, x = double_model(nodes, tensors), RANDOM.normal(size=(5, 4))
        found, said = self.gradients(model, x, *numbers)
        self.assertEqual(said, "")
        self.assertAlmostEqual(float(found["one"]), 0.5 * x.sum(), places=9)
        density = np.exp(-(x**2) / 2) * 2 / np.sqrt(np.pi)
        self.assertAlmostEqual(float(found["root"]), float(np.sum(-x * x * density / 4)), places=9)
        expected = np.sum(x * (1 + special.erf(x / np.sqrt(2))))
        self.assertAlmostEqual(float(found["half"]), expected, places=9)


if __name__ == "__main__":
    unittest.main()
