"""TensorBoard's own reader finds in a run's event files what its records hold.

    python tests/monitor/tensorboard_test.py STROP

Trains two networks, one in two parts, and compares every scalar, histogram, picture, text, node of
the graph and hyperparameter with records.jsonl, to the bit. Needs TensorBoard:
`scripts/setup --tensorboard`.
"""

import base64
import csv
import json
import math
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from tensorboard.backend import process_graph
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.context import RequestContext
from tensorboard.plugins.base_plugin import TBContext
from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2
from tensorboard.plugins.hparams.backend_context import Context
from tensorboard.plugins.hparams.list_session_groups import Handler

PARITY = Path(__file__).parents[1] / "parity"
NO_LIMIT = dict.fromkeys(("scalars", "histograms", "images", "tensors", "compressedHistograms"), 0)
# tensorflow/core/framework/node_def.proto
NODE_NAME = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*")
WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def train(strop: str, folder: Path, network: str, *options: str) -> list[dict]:
    (model,) = (PARITY / "models").glob(f"{network}.torchscript.training.*.onnx")
    command = [
        *(strop, "train", str(model)),
        *("--data", str(PARITY / "data" / f"{network}.npz"), "--run-directory", str(folder)),
        *("-o", str(folder.with_suffix(".onnx")), *options),
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    lines = (folder / "records.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


LAYER_TAGS = re.compile(
    r"(gradient_norm|gradient_rms|weight_norm|update_ratio|activation_\w+|weights|gradients|"
    r"activations)/"
)


class Events:
    """The events of a run and of those in its folders, where Keras has them too."""

    def __init__(self, folder: Path) -> None:
        self.runs = {}
        for run in ("", "train", "validation"):
            if (folder / run).is_dir():
                self.runs[run] = EventAccumulator(os.fspath(folder / run), size_guidance=NO_LIMIT)
                self.runs[run].Reload()

    def __getattr__(self, name: str) -> object:
        """Reads what a tag of records.jsonl became."""

        def read(tag: str) -> object:
            run, tag = place(tag)
            return getattr(self.runs[run], name)(tag)

        return read

    def tags(self, kind: str) -> set[tuple[str, str]]:
        return {(run, tag) for run, events in self.runs.items() for tag in events.Tags()[kind]}


def place(tag: str) -> tuple[str, str]:
    """The run and the tag under which TensorBoard shows a tag of records.jsonl.

    A slash at the beginning of a node's name is no level of its own.
    """
    run, _, rest = tag.partition("/")
    if run == "validation":
        is_picture = rest.startswith(("confusion_matrix", "worst_examples"))
        return run, rest if is_picture else f"epoch/{rest}"
    if run == "train":
        level = "epoch/" if rest.startswith("epoch_") else "batch/"
        return run, level + rest.removeprefix("epoch_")
    return "", ("layer_" if LAYER_TAGS.match(tag) else "") + tag.replace("//", "/")


def number(value: float | str) -> float:
    return WORDS[value] if isinstance(value, str) else value


def same_bits(found: float, expected: float) -> bool:
    return np.float32(found).tobytes() == np.float32(expected).tobytes()


def check_scalars(records: list[dict], events: Events) -> int:
    expected: dict[str, list[tuple[int, float]]] = {}
    for record in records:
        if record["kind"] not in ("scalars", "epoch"):
            continue
        for tag, value in record["values"].items():
            expected.setdefault(tag, []).append((record["step"], number(value)))
    assert events.tags("scalars") == {place(tag) for tag in expected}
    for tag, points in expected.items():
        found = [(event.step, event.value) for event in events.Scalars(tag)]
        assert len(found) == len(points), tag
        for (step, value), (expected_step, expected_value) in zip(found, points, strict=True):
            assert step == expected_step and same_bits(value, expected_value), (tag, step)
    return sum(map(len, expected.values()))


def check_histograms(records: list[dict], events: Events) -> int:
    rows = [record for record in records if record["kind"] == "histogram"]
    assert events.tags("histograms") == {place(row["tag"]) for row in rows}
    found = {
        (tag, event.step): event.histogram_value
        for tag in {row["tag"] for row in rows}
        for event in events.Histograms(tag)
    }
    for row in rows:
        histogram = found[row["tag"], row["step"]]
        assert histogram.num == row["count"] == sum(row["counts"]), row["tag"]
        assert (histogram.min, histogram.max) == (row["minimum"], row["maximum"]), row["tag"]
        assert (histogram.sum, histogram.sum_squares) == (row["sum"], row["sum_of_squares"])
        assert list(histogram.bucket_limit) == row["limits"][1:], row["tag"]
        assert list(histogram.bucket) == row["counts"], row["tag"]
        assert row["limits"] == sorted(set(row["limits"])), row["tag"]
        assert row["limits"][0] <= row["minimum"] and row["maximum"] < row["limits"][-1]
    return len(rows)


def check_graph(records: list[dict], events: Events) -> int:
    """The same nodes and edges, under names that TensorFlow allows."""
    (record,) = (record for record in records if record["kind"] == "graph")
    graph = events.runs[""].Graph()
    assert len(graph.node) == len(record["nodes"])
    name_of = {
        recorded["name"]: node.name
        for node, recorded in zip(graph.node, record["nodes"], strict=True)
    }
    assert len(set(name_of.values())) == len(name_of)
    for node, recorded in zip(graph.node, record["nodes"], strict=True):
        assert NODE_NAME.fullmatch(node.name), node.name
        assert node.op == recorded["op"], node.name
        assert list(node.input) == [name_of[name] for name in recorded["inputs"]], node.name
        shapes = node.attr["_output_shapes"].list.shape
        assert [[d.size for d in shape.dim] for shape in shapes] == (
            [] if recorded["shape"] is None else [recorded["shape"]]
        ), node.name
    process_graph.prepare_graph_for_ui(graph)  # what the Graphs tab does before it draws
    return len(graph.node)


def check_hyperparameters(records: list[dict], events: Events) -> int:
    (record,) = (record for record in records if record["kind"] == "hyperparameters")
    start = plugin_data_pb2.HParamsPluginData.FromString(
        events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    )
    hparams = start.session_start_info.hparams
    found = {name: getattr(value, value.WhichOneof("kind")) for name, value in hparams.items()}
    assert found == record["values"]
    assert found["learning-rate"] == 1e-3 and found["batch-size"] == 4, found
    experiment = plugin_data_pb2.HParamsPluginData.FromString(
        events.SummaryMetadata("_hparams_/experiment").plugin_data.content
    ).experiment
    assert {info.name for info in experiment.hparam_infos} == set(found)
    tags = [(info.name.group, info.name.tag) for info in experiment.metric_infos]
    is_validated = any(record["kind"] == "confusion_matrix" for record in records)
    validated = [("validation", f"epoch/{name}") for name in ("loss", "accuracy")]
    assert tags == [("train", "epoch/loss"), *(validated if is_validated else [])], tags
    assert set(tags) <= events.tags("scalars"), tags
    end = plugin_data_pb2.HParamsPluginData.FromString(
        events.SummaryMetadata("_hparams_/session_end_info").plugin_data.content
    )
    assert end.session_end_info.end_time_secs >= start.session_start_info.start_time_secs > 0
    return len(found)


def check_texts(records: list[dict], events: Events) -> None:
    (record,) = (record for record in records if record["kind"] == "text")
    (event,) = events.Tensors(record["tag"])
    assert event.tensor_proto.string_val[0].decode() == record["text"]


def check_images(records: list[dict], events: Events) -> int:
    rows = [record for record in records if record["kind"] == "image"]
    for row in rows:
        (event,) = events.Images(row["tag"])
        assert event.encoded_image_string == base64.b64decode(row["png"])
        assert (event.width, event.height) == (row["width"], row["height"])
    return len(rows)


def check_predictions(records: list[dict], events: Events) -> int:
    matrices = [record for record in records if record["kind"] == "confusion_matrix"]
    pictures = events.Images("validation/confusion_matrix") if matrices else []
    assert [event.step for event in pictures] == [record["step"] for record in matrices]
    examples = [record for record in records if record["kind"] == "examples"]
    texts = events.Tensors("validation/worst_examples") if examples else []
    assert [event.step for event in texts] == [record["step"] for record in examples]
    for record, text in zip(examples, texts, strict=True):
        table = text.tensor_proto.string_val[0].decode().splitlines()[2:]
        for i, (example, row) in enumerate(zip(record["examples"], table, strict=True), 1):
            cells = row.strip("| ").split(" | ")
            found = [cells[0], int(cells[1]), *cells[2:4]]
            assert found == [f"{i:02}", *(example[k] for k in ("sample", "true", "predicted"))]
            if "png" not in example:
                continue
            pictures = events.Images(f"validation/worst_examples/{i:02}")
            (shown,) = (event for event in pictures if event.step == record["step"])
            assert shown.encoded_image_string == base64.b64decode(example["png"])
    return len(matrices) + len(examples)


def check_csv(records: list[dict], folder: Path) -> None:
    with open(folder / "scalars.csv", newline="", encoding="utf-8") as file:
        found = [(row["step"], row["tag"], float(row["value"])) for row in csv.DictReader(file)]
    expected = [
        (str(record["step"]), tag, number(value))
        for record in records
        if record["kind"] in ("scalars", "epoch")
        for tag, value in record["values"].items()
    ]
    assert str(found) == str(expected)


def check_order(events: Events) -> None:
    """Training lies over validation, and loss comes before the layers."""
    tags = events.tags("scalars")
    of_validation = {tag for run, tag in tags if run == "validation"}
    assert not of_validation or {"epoch/loss"} == of_validation & {
        tag for run, tag in tags if run == "train"
    }
    groups = sorted({tag.partition("/")[0] for _, tag in tags | events.tags("histograms")})
    assert groups[:2] == ["batch", "epoch"], groups


def check(records: list[dict], folder: Path) -> None:
    events = Events(folder)
    steps = [record["step"] for record in records]
    assert steps == sorted(steps), "steps fall from record to record"
    scalars = check_scalars(records, events)
    histograms = check_histograms(records, events)
    nodes = check_graph(records, events)
    hyperparameters = check_hyperparameters(records, events)
    check_texts(records, events)
    images = check_images(records, events)
    predictions = check_predictions(records, events)
    check_csv(records, folder)
    check_order(events)
    print(
        f"{folder.name}: {scalars} scalars, {histograms} histograms, {nodes} nodes, "
        f"{hyperparameters} hyperparameters, {images} images, {predictions} predictions as recorded"
    )
    assert scalars and histograms and nodes and hyperparameters


def check_study(strop: str, folder: Path) -> None:
    """The HParams tab has a row a trial of `strop tune`: its options and its last loss."""
    (model,) = (PARITY / "models").glob("mlp.torchscript.training.*.onnx")
    command = [
        *(strop, "tune", str(model), "--data", str(PARITY / "data" / "mlp.npz"), "--epochs", "2"),
        *("--search", "learning-rate=0.01,0.1", "--search", "optimizer=sgd,adamw"),
        *("--search", "amsgrad=false", "--strategy", "grid", "--json"),
        *("--run-directory", str(folder), "-o", str(folder.with_suffix(".onnx"))),
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    trials = [json.loads(line) for line in done.stdout.splitlines()]
    multiplexer = EventMultiplexer()
    multiplexer.AddRunsFromDirectory(os.fspath(folder))
    multiplexer.Reload()
    provider = MultiplexerDataProvider(multiplexer, os.fspath(folder))
    context = Context(TBContext(logdir=os.fspath(folder), data_provider=provider))
    metric = api_pb2.ColParams(metric=api_pb2.MetricName(group="train", tag="epoch/loss"))
    request = api_pb2.ListSessionGroupsRequest(
        allowed_statuses=api_pb2.Status.values(), col_params=[metric], slice_size=100
    )
    groups = Handler(RequestContext(), context, "study", request).run().session_groups
    assert len(groups) == len(trials) == 4
    found = {group.sessions[0].name: group for group in groups}
    for trial in trials:
        group = found[f"trial-{trial['trial']}"]
        options = {**trial["options"], "amsgrad": False}
        shown_options = {
            name: getattr(value, value.WhichOneof("kind")) for name, value in group.hparams.items()
        }
        assert shown_options == options, (shown_options, options)
        (loss,) = (m.value for m in group.metric_values if m.name.group == "train")
        assert same_bits(loss, trial["train_loss"]), trial
        assert group.sessions[0].status == api_pb2.STATUS_SUCCESS
    print(f"{len(groups)} trials in HParams as tuned")


def main() -> None:
    strop = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        for network in ("lenet", "mlp"):
            folder = Path(name, network)
            options = ("--epochs", "3", "--batch-size", "4", "--log-every", "2")
            check(train(strop, folder, network, *options), folder)
        folder = Path(name, "validated")
        validated = train(strop, folder, "lenet", *options, "--validation-split", "0.5")
        check(validated, folder)
        assert {"confusion_matrix", "examples"} <= {record["kind"] for record in validated}
        check_study(strop, Path(name, "study"))


if __name__ == "__main__":
    main()
