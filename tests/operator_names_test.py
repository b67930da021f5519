"""Fails where code outside ops/ names an operator, but for the files below.

What is to be known of an operator is a field of its definition (ops/core/op_definition.h).

python tests/operator_names_test.py
"""

import re
import sys
import tempfile
from pathlib import Path

import onnx

ROOT = Path(__file__).parents[1]
FOLDERS = ("graph", "importer", "exporter", "plugin")
LITERAL = re.compile(r'"([A-Z][A-Za-z0-9]+)"')
# op_type == "Conv", IsOneOf(node.op_type(), {"Conv", …}), IsOnnx(node, "Conv").
QUESTION = re.compile(
    r'op_type(\(\))?\s*[!=]=\s*"|"\s*[!=]=\s*\S*op_type|IsOneOf\([^;]*?op_type|IsOnnx\([^;]*?"'
)

# They look for a pattern of nodes, or read and write files as those say it.
PATTERNS = {
    "exporter/adapter_inputs.cc": "an adapter becomes nodes of the layer's own kind",
    "exporter/append_head.cc": "a head behind an embedding",
    "exporter/exporter.cc": "Identity, by which a file names a constant again",
    "exporter/fold_batch_normalization.cc": "a BatchNormalization behind a Conv or Gemm",
    "exporter/quantized_export.cc": "constants and bias of what is quantized",
    "exporter/replace_head.cc": "the layers before an output",
    "exporter/whole_model.cc": "Constant, and Identity, by which a file names a constant again",
    "importer/graph_builder.cc": "Identity, by which a file names a constant again",
    "importer/node_builder.cc": "Constant and Identity, which become values",
    "importer/opset_upgrade/opset_upgrade.cc": "older opsets",
    "importer/opset_upgrade/opset_upgrade_normalization.cc": "older opsets",
    "importer/opset_upgrade/opset_upgrade_resampling.cc": "older opsets",
    "importer/quantized_operator.cc": "what a quantized file is told by",
    "plugin/operations/op_support.cc": "Constant, which becomes a value",
    "plugin/engine/passes/fold_weight_transposes.cc": "a Transpose before a MatMul",
    "plugin/engine/passes/recognize_gelu.cc": "the five operators of a GELU",
    "plugin/training/graph/lora.cc": "an adapter's nodes are of the layer's own kind",
    "plugin/training/graph/lora_target.cc": "what may stand behind an output layer",
    "plugin/training/graph/quantize_model.cc": "the ranges that it has added itself",
}
# They make nodes, and ask for none.
BUILDERS = {
    "exporter/constant_node.cc",
    "plugin/engine/differentiate/differentiate.cc",
    "plugin/monitor/model_graph.cc",  # TensorBoard's name for a constant
    "plugin/training/graph/dropout_insertion.cc",
    "plugin/training/external_loss/external_loss_graph.cc",
    "plugin/training/graph/gradient_accumulation.cc",
    "plugin/training/graph/host_loss_attachment.cc",
    "plugin/training/graph/loss.cc",
    "plugin/training/graph/loss_prediction.cc",
    "plugin/training/graph/loss_table.h",
    "plugin/training/graph/step_statistics.cc",
    "plugin/training/optimization/averaging.cc",
    "plugin/training/optimization/optimizer.cc",
    "plugin/training/optimization/optimizer_table.h",
    "plugin/training/optimization/parameter_groups.cc",
    "plugin/training/optimization/sharpness.cc",
    "plugin/training/optimization/unfreezing.cc",
}
WORDS = {"plugin/report/report_layers.cc": {"Mean"}}  # no operators there


def operator_names(root: Path) -> set[str]:
    """Those of ONNX, and what ops/ defines besides."""
    names = {schema.name for schema in onnx.defs.get_all_schemas()}
    for path in root.glob("ops/**/*.cc"):
        names.update(LITERAL.findall(path.read_text(encoding="utf-8")))
    return names


def sources(root: Path) -> list[Path]:
    return sorted(
        path
        for folder in FOLDERS
        for path in root.glob(f"{folder}/**/*")
        if path.suffix in {".cc", ".h"}
    )


def wrong_names(root: Path, names: set[str]) -> list[str]:
    wrong = []
    unused = {*PATTERNS, *BUILDERS}
    for path in sources(root):
        text = path.read_text(encoding="utf-8")
        file = path.relative_to(root).as_posix()
        hits = [m for m in LITERAL.finditer(text) if m[1] in names - WORDS.get(file, set())]
        if hits:
            unused.discard(file)
        if file in PATTERNS:
            continue
        if file in BUILDERS:
            hits = list(QUESTION.finditer(text))
        for hit in hits:
            wrong.append(f"{file}:{text.count(chr(10), 0, hit.start()) + 1}: {hit[0].strip()}")
    return wrong + [f"{file}: names no operator any more" for file in sorted(unused)]


def self_test(names: set[str]) -> None:
    """The test has to be able to fail."""
    wrong = {
        "plugin/a.cc": 'if (node.op_type == "Conv") {',
        "exporter/b.h": 'constexpr std::string_view kNames[] = {"Gemm"};',
        "plugin/training/graph/loss.cc": 'bool is = node.op_type == "Softmax";',
    }
    with tempfile.TemporaryDirectory() as folder:
        for name, line in wrong.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(line)
        found = wrong_names(Path(folder), names)
    assert all(any(line.startswith(name + ":1:") for line in found) for name in wrong), found


def main() -> None:
    names = operator_names(ROOT)
    self_test(names)
    wrong = wrong_names(ROOT, names)
    print("\n".join(wrong) or "no operator is asked for by its name")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
