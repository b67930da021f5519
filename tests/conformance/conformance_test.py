"""Runs ONNX's own node test cases: every operator's examples, written by those who define it.

    python tests/conformance/conformance_test.py RUN_CASES [--only PATTERN] [--verbose]

Results are held to the tolerances of ONNX's own runner, integers and everything else that is not
floating to the bit. Expected values in float16 were rounded at every step: a result beyond the
tolerance passes only when it is nearer than they are to what ONNX's reference evaluator computes in
double, and is listed. A case is `unsupported` when Strop refuses its model by name of an operator,
attribute or element type that it does not know, and `no comparison` when its expected outputs are
random numbers, or its opset is older than Strop reads. Whatever else is not equal fails.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import warnings
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases
from onnx.backend.test.case.test_case import TestCase
from onnx.reference import ReferenceEvaluator

# Masks drawn with NumPy's generator, which no other generator can give; a ratio of zero draws none.
RANDOM_CASES = re.compile(r"^test_training_dropout(?!_zero_ratio)")
TWO_BFLOAT16_ULPS = 2**-6  # what ONNX's runner allows that type
OLDEST_OPSET = 7  # that Strop reads
NEEDS_DATA = "decides a shape and depends on data"
REFUSAL = re.compile(r"^UNIMPLEMENTED: ")


@dataclass
class Case:
    """A model, its inputs and the outputs that are expected."""

    name: str
    model: Path
    operator: str
    inputs: list[onnx.TensorProto]
    outputs: list[onnx.TensorProto]
    relative_tolerance: float
    absolute_tolerance: float


def named_tensors(values: list[onnx.ValueInfoProto], data: list[object]) -> list[onnx.TensorProto]:
    """The arrays that are plain tensors: a model that takes or gives others is refused."""
    tensors = []
    for value, array in zip(values, data, strict=True):
        if isinstance(array, onnx.TensorProto):
            tensor = onnx.TensorProto()
            tensor.CopyFrom(array)
        elif isinstance(array, np.ndarray | np.generic):
            tensor = numpy_helper.from_array(np.asarray(array))
        else:
            continue
        tensor.name = value.name
        tensors.append(tensor)
    return tensors


def write_arrays(tensors: list[onnx.TensorProto], path: Path) -> None:
    path.write_bytes(onnx.GraphProto(initializer=tensors).SerializeToString())


def load_case(case: TestCase, folder: Path) -> Case | None:
    graph = case.model.graph
    if RANDOM_CASES.match(case.name):
        return None
    opsets = case.model.opset_import
    if any(o.domain in ("", "ai.onnx") and o.version < OLDEST_OPSET for o in opsets):
        return None
    inputs, outputs = case.data_sets[0]
    operators = Counter(node.op_type for node in graph.node)
    # The operator under test; helpers such as Constant and Shape stand around it.
    stem = case.name.removeprefix("test_").replace("_", "")
    named = [op for op in operators if stem.startswith(op.lower())]
    operator = max(named, key=len) if named else next(iter(operators), "none")
    path = folder / f"{case.name}.onnx"
    onnx.save(case.model, path)
    return Case(
        *(case.name, path, operator),
        *(named_tensors(graph.input, inputs), named_tensors(graph.output, outputs)),
        *(case.rtol, case.atol),
    )


def with_constants(case: Case, folder: Path) -> Case:
    """The same with inputs of rank 0 and 1 as initializers: axes, pads and sizes decide shapes,
    and have to be known before a step runs."""
    model = onnx.load(case.model)
    constants = {tensor.name: tensor for tensor in case.inputs if len(tensor.dims) < 2}
    for value in [v for v in model.graph.input if v.name in constants]:
        model.graph.input.remove(value)
        model.graph.initializer.append(constants[value.name])
    model.ir_version = max(model.ir_version, 4)
    path = folder / f"{case.name}.constants.onnx"
    onnx.save(model, path)
    inputs = [tensor for tensor in case.inputs if tensor.name not in constants]
    return Case(
        *(case.name, path, case.operator, inputs, case.outputs),
        *(case.relative_tolerance, case.absolute_tolerance),
    )


def is_floating(dtype: np.dtype) -> bool:
    if dtype.type.__module__ != ml_dtypes.__name__:
        return dtype.kind in "fc"
    return "int" not in dtype.name


def read_arrays(path: Path) -> dict[str, onnx.TensorProto]:
    arrays = onnx.GraphProto.FromString(path.read_bytes())
    return {tensor.name: tensor for tensor in arrays.initializer}


def difference(case: Case, actual: dict[str, onnx.TensorProto]) -> str | None:
    for tensor in case.outputs:
        if tensor.name not in actual:
            return f"no output {tensor.name}"
        found_type, expected_type = (
            onnx.TensorProto.DataType.Name(t.data_type) for t in (actual[tensor.name], tensor)
        )
        if found_type != expected_type:
            return f"{tensor.name}: {found_type}, expected {expected_type}"
        found, expected = map(numpy_helper.to_array, (actual[tensor.name], tensor))
        if found.shape != expected.shape:
            return f"{tensor.name}: shape {found.shape}, expected {expected.shape}"
        if not is_floating(expected.dtype):
            if not np.array_equal(found, expected):
                return f"{tensor.name}: elements differ"
            continue
        relative = case.relative_tolerance
        if expected.dtype.name == "bfloat16":
            relative = max(relative, TWO_BFLOAT16_ULPS)
        if expected.dtype.kind != "c":
            found, expected = found.astype(np.float64), expected.astype(np.float64)
        if not np.allclose(found, expected, relative, case.absolute_tolerance, equal_nan=True):
            return f"{tensor.name}: differs by {np.nanmax(np.abs(found - expected)):.2e}"
    return None


def is_nearer_in_double(case: Case, actual: dict[str, onnx.TensorProto]) -> bool:
    """Whether every output is of float16 and at least as near as the expected one to the result
    in double of the operator itself, whose `_expanded` form has the same inputs."""
    if any(tensor.data_type != onnx.TensorProto.FLOAT16 for tensor in case.outputs):
        return False
    model = onnx.load(case.model.with_name(case.model.name.replace("_expanded", "")))
    feeds = {tensor.name: numpy_helper.to_array(tensor) for tensor in case.inputs}
    feeds = {n: a.astype(np.float64) if a.dtype == np.float16 else a for n, a in feeds.items()}
    exact = ReferenceEvaluator(model).run([tensor.name for tensor in case.outputs], feeds)

    def error(tensor: onnx.TensorProto, reference: np.ndarray) -> float:
        return np.max(np.abs(numpy_helper.to_array(tensor).astype(np.float64) - reference))

    return all(
        error(actual[tensor.name], reference) <= error(tensor, reference)
        for tensor, reference in zip(case.outputs, exact, strict=True)
    )


def run_all(tool: Path, cases: list[Case], folder: Path) -> dict[str, str]:
    """What the tool says of each case; a case that ends the process is a crash."""
    outcome: dict[str, str] = {}
    left = {str(case.model): case for case in cases}
    for case in cases:
        write_arrays(case.inputs, folder / f"{case.name}.in.pb")
    while left:
        lines = [
            f"{model}\t{folder / case.name}.in.pb\t{folder / case.name}.out.pb"
            for model, case in left.items()
        ]
        done = subprocess.run(
            [tool], input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=900
        )
        started = ""
        for line in done.stdout.splitlines():
            model, _, result = line.partition("\t")
            if model not in left:
                continue
            if result == "started":
                started = model
                continue
            outcome[left.pop(model).name] = result
            started = ""
        if started:
            tail = (done.stderr.strip().splitlines() or [""])[-1]
            outcome[left.pop(started).name] = f"crash with code {done.returncode}: {tail}"
        elif done.returncode != 0 or left:
            raise RuntimeError(f"{tool} ended early with code {done.returncode}: {done.stderr}")
    return outcome


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tool", type=Path)
    parser.add_argument("--only", default="", help="a regular expression on case names")
    parser.add_argument("--verbose", action="store_true", help="name unsupported cases' reasons")
    arguments = parser.parse_args()
    # Cases of infinities and overflows make NumPy warn.
    warnings.simplefilter("ignore", RuntimeWarning)
    found = [case for case in collect_testcases(None) if re.search(arguments.only, case.name)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        loaded = [load_case(case, folder) for case in found]
        cases = [case for case in loaded if case is not None]
        outcome = run_all(arguments.tool.resolve(), cases, folder)
        again = [with_constants(c, folder) for c in cases if NEEDS_DATA in outcome[c.name]]
        outcome |= run_all(arguments.tool.resolve(), again, folder)
        passed: Counter[str] = Counter()
        unsupported: defaultdict[str, list[str]] = defaultdict(list)
        failures = []
        for case in cases:
            result = outcome[case.name]
            if REFUSAL.match(result):
                unsupported[case.operator].append(f"{case.name}: {result}")
                continue
            problem: str | None = result
            if result == "done":
                actual = read_arrays(folder / f"{case.name}.out.pb")
                problem = difference(case, actual)
                if problem is not None and is_nearer_in_double(case, actual):
                    print(f"nearer to the result in double than expected: {case.name}: {problem}")
                    problem = None
            if problem is None:
                passed[case.operator] += 1
            else:
                failures.append(f"{case.name} ({case.operator}): {problem}")
    for operator in sorted(passed):
        print(f"  {operator}: {passed[operator]} passed")
    print("unsupported:", ", ".join(f"{op} ({len(c)})" for op, c in sorted(unsupported.items())))
    if arguments.verbose:
        for lines in unsupported.values():
            print("\n".join(lines))
    print("\n".join(f"FAIL  {line}" for line in failures))
    refused = sum(map(len, unsupported.values()))
    print(
        f"conformance: {passed.total()} passed, {len(failures)} failed, {refused} unsupported, "
        f"{len(found) - len(cases)} without comparison"
    )
    sys.exit(bool(failures) or not passed)


if __name__ == "__main__":
    main()
