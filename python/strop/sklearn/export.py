"""Pipelines as one ONNX file, through skl2onnx."""

from typing import Any

import numpy as np

from strop.sklearn.classifier import StropClassifier
from strop.sklearn.estimator import StropEstimator
from strop.sklearn.regressor import StropRegressor
from strop.sklearn.transformer import StropTransformer


def to_onnx(estimator: Any, X: Any = None, **arguments: Any) -> Any:
    """A fitted estimator or pipeline as an `onnx.ModelProto`.

    X: some rows, of which types and names of the inputs are taken. Arguments are those of
    `skl2onnx.to_onnx`, whose classifiers' probabilities are a tensor here, not a list of maps,
    unless `options` say otherwise. Outputs: "label" and "probabilities" of classifiers, "variable"
    of others. Needs the packages `skl2onnx` and `onnx`.

        >>> from strop.sklearn import StropClassifier, to_onnx
        >>> model = to_onnx(StropClassifier(epochs=1).fit(x, y), x[:1])
        >>> [output.name for output in model.graph.output]
        ['label', 'probabilities']
    """
    import skl2onnx

    register()
    given = {"options": {StropClassifier: {"zipmap": False}}, **arguments}
    if "target_opset" not in given:
        given["target_opset"] = _opset_for(estimator)
    return skl2onnx.to_onnx(estimator, X, **given)


def register() -> None:
    """Makes skl2onnx know the estimators; `to_onnx` does it by itself."""
    from skl2onnx import update_registered_converter

    update_registered_converter(
        StropClassifier,
        "StropClassifier",
        _set_classifier_shapes,
        _convert_classifier,
        options={"zipmap": [True, False, "columns"]},
    )
    for estimator in (StropRegressor, StropTransformer):
        update_registered_converter(
            estimator, estimator.__name__, _set_output_shape, _convert_output
        )


def _opset_for(estimator: Any) -> int:
    """The newest of the models within, so that they stay as they are."""
    import onnx
    from skl2onnx import get_latest_tested_opset_version

    newest = int(get_latest_tested_opset_version())
    models = [onnx.load_from_string(each.model_bytes_) for each in _within(estimator, set())]
    opsets = [int(opset.version) for m in models for opset in m.opset_import if not opset.domain]
    return min(max(opsets, default=newest), newest)


def _within(value: Any, seen: set[int]) -> list[StropEstimator]:
    """The fitted ones among an estimator and all that it holds."""
    if id(value) in seen:
        return []
    seen.add(id(value))
    if isinstance(value, StropEstimator):
        return [value] if hasattr(value, "model_bytes_") else []
    if isinstance(value, (list, tuple)):
        held = list(value)
    elif isinstance(value, dict):
        held = list(value.values())
    else:
        held = list(vars(value).values()) if hasattr(value, "get_params") else []
    return [found for each in held for found in _within(each, seen)]


def _set_classifier_shapes(operator: Any) -> None:
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType

    model = operator.raw_operator
    labels, probabilities = operator.outputs
    is_text = model.classes_.dtype.kind not in "iub"
    count = len(model.classes_)
    shape = [None, count] if model._is_multilabel else [None]
    labels.type = StringTensorType(shape) if is_text else Int64TensorType(shape)
    probabilities.type = FloatTensorType([None, count])


def _set_output_shape(operator: Any) -> None:
    from skl2onnx.common.data_types import FloatTensorType

    model = operator.raw_operator
    width = model._n_features_out if isinstance(model, StropTransformer) else None
    operator.outputs[0].type = FloatTensorType([None, width])


def _convert_output(scope: Any, operator: Any, container: Any) -> None:
    graph = _Graph(scope, container)
    output = graph.inline(operator)
    # [samples, numbers] and float, as scikit-learn has it.
    rows = graph.add("Reshape", [output, graph.constant(np.array([0, -1], np.int64))])
    graph.add("Cast", [rows], operator.outputs[0].onnx_name, to=_FLOAT)


def _convert_classifier(scope: Any, operator: Any, container: Any) -> None:
    model: StropClassifier = operator.raw_operator
    labels, probabilities = (output.onnx_name for output in operator.outputs)
    graph = _Graph(scope, container)
    output = graph.inline(operator)
    rows = graph.add("Reshape", [output, graph.constant(np.array([0, -1], np.int64))])
    scores = graph.add("Cast", [rows], to=_FLOAT)
    if model._loss_name() == "cross_entropy":
        graph.add_probabilities(scores, model._activation, "Softmax", probabilities)
        numbers = graph.add("ArgMax", [probabilities], axis=1, keepdims=0)
    else:
        is_one = not model._is_multilabel
        yes = graph.add_probabilities(
            scores, model._activation, "Sigmoid", None if is_one else probabilities
        )
        half = graph.constant(np.array(0.5, np.float32))
        numbers = graph.add("Cast", [graph.add("Greater", [yes, half])], to=_INT64)
        if not is_one:
            graph.add("Identity", [numbers], labels)
            return
        no = graph.add("Sub", [graph.constant(np.array(1, np.float32)), yes])
        graph.add("Concat", [no, yes], probabilities, axis=1)
        numbers = graph.add("Reshape", [numbers, graph.constant(np.array([-1], np.int64))])
    classes = model.classes_
    kept = classes.astype(np.int64) if classes.dtype.kind in "iub" else classes.astype(str)
    graph.add("Gather", [graph.constant(kept), numbers], labels)


_FLOAT, _INT64 = 1, 7  # of onnx.TensorProto


class _Graph:
    """Nodes and tensors, appended to a graph of skl2onnx's under names of their own."""

    def __init__(self, scope: Any, container: Any) -> None:
        self._scope, self._container = scope, container
        self._container.node_domain_version_pair_sets.add(("", container.target_opset))

    def add(
        self, operator: str, inputs: list[str], output: str | None = None, **fields: Any
    ) -> str:
        """A node of one output, whose name it gives."""
        from onnx import helper

        output = output or str(self._scope.get_unique_variable_name("strop"))
        name = self._scope.get_unique_operator_name(operator)
        self._container.nodes.append(
            helper.make_node(operator, inputs, [output], name=name, **fields)
        )
        return output

    def constant(self, elements: Any) -> str:
        from onnx import helper, numpy_helper

        name = str(self._scope.get_unique_variable_name("strop"))
        if elements.dtype.kind == "U":
            content = [text.encode() for text in elements.tolist()]
            tensor = helper.make_tensor(name, 8, elements.shape, content)
        else:
            tensor = numpy_helper.from_array(elements, name)
        self._container.initializers.append(tensor)
        return name

    def add_probabilities(
        self, output: str, activation: str | None, operator: str, name: str | None
    ) -> str:
        """Probabilities by `operator`, Softmax or Sigmoid, of a model's output that has gone
        through `activation` or none."""
        if activation == operator:
            return self.add("Identity", [output], name)
        fields = {"axis": 1} if operator == "Softmax" else {}
        return self.add(operator, [output], name, **fields)

    def inline(self, operator: Any) -> str:
        """The estimator's model, on the operator's inputs side by side; gives its first output."""
        import onnx
        from onnx import compose, version_converter

        model = onnx.load_from_string(operator.raw_operator._run_bytes())
        target = self._container.target_opset
        if any(not opset.domain and opset.version != target for opset in model.opset_import):
            model = version_converter.convert_version(model, target)
        prefix = str(self._scope.get_unique_operator_name("strop")) + "/"
        graph = compose.add_prefix_graph(model.graph, prefix)
        weights = {tensor.name for tensor in graph.initializer}
        [given] = [value for value in graph.input if value.name not in weights]
        self._feed(operator, given)
        for node in graph.node:
            self._container.nodes.append(node)
        for tensor in graph.initializer:
            self._container.initializers.append(tensor)
        for opset in model.opset_import:
            self._container.node_domain_version_pair_sets.add((opset.domain, opset.version))
        return str(graph.output[0].name)

    def _feed(self, operator: Any, given: Any) -> None:
        kind = given.type.tensor_type
        parts = [self.add("Cast", [each.onnx_name], to=kind.elem_type) for each in operator.inputs]
        whole = self.add("Concat", parts, axis=1) if len(parts) > 1 else parts[0]
        sizes = [dimension.dim_value for dimension in kind.shape.dim]
        if len(sizes) > 2 and all(sizes[1:]):
            shape = self.constant(np.array([-1, *sizes[1:]], np.int64))
            self.add("Reshape", [whole, shape], given.name)
        else:
            self.add("Identity", [whole], given.name)
