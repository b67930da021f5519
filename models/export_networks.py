"""Writes the test networks as ONNX files.

    python models/export_networks.py FOLDER                 the files that the tests use
    python models/export_networks.py FOLDER --all           every exporter, opset and form
    python models/export_networks.py FOLDER --large         ResNet-50 and BERT-base, for benchmarks

A file is named <network>.<exporter>.<form>.<opset>.onnx. The exporters are PyTorch's two, by
TorchScript and by Dynamo. The forms: `training` (BatchNormalization with training_mode 1),
`inference` (BatchNormalization folded into convolutions) and `unfolded` (kept, training_mode 0).
"""

import argparse
import contextlib
import inspect
import io
import logging
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import onnx
import torch
from networks.catalogue import NETWORKS, find_network
from networks.convolutional import resnet50
from networks.transformer import bert_base
from torch import nn

OPSETS = range(17, 24)
EXPORTERS = ("torchscript", "dynamo")
FORMS = ("training", "inference", "unfolded")


@dataclass(frozen=True)
class Variant:
    """One file of a network."""

    network: str
    exporter: str
    form: str
    opset: int

    @property
    def file_name(self) -> str:
        return f"{self.network}.{self.exporter}.{self.form}.{self.opset}.onnx"

    @staticmethod
    def parse(file_name: str) -> "Variant":
        network, exporter, form, opset, _ = file_name.split(".")
        return Variant(network, exporter, form, int(opset))


def committed_variants() -> list[Variant]:
    """A file of each exporter for each network, the opsets spread over them."""
    variants = []
    for index, network in enumerate(NETWORKS):
        scripted = OPSETS[index % 7]
        traced = OPSETS[1 + 5 * (index + 1) % 6]
        variants.append(Variant(network.name, "torchscript", "training", scripted))
        variants.append(Variant(network.name, "dynamo", "inference", traced))
        if network.has_batch_norm:
            variants.append(Variant(network.name, "torchscript", "unfolded", traced))
    variants.append(Variant("resnet", "dynamo", "unfolded", 18))
    variants.append(Variant("lstm", "torchscript", "inference", 17))
    variants.append(Variant("gru", "torchscript", "inference", 17))
    return variants


def all_variants() -> Iterator[Variant]:
    for network in NETWORKS:
        for exporter in EXPORTERS:
            for form in FORMS if network.has_batch_norm else FORMS[:2]:
                for opset in OPSETS:
                    yield Variant(network.name, exporter, form, opset)


def export(
    model: nn.Module,
    inputs: tuple[torch.Tensor, ...],
    path: Path,
    exporter: str = "torchscript",
    form: str = "unfolded",
    opset: int = 17,
) -> None:
    """Writes `model` with a free batch dimension; its inputs have its forward's argument names."""
    names = list(inspect.signature(model.forward).parameters)
    model.train(form == "training")
    mode = {
        "training": torch.onnx.TrainingMode.TRAINING,
        "inference": torch.onnx.TrainingMode.EVAL,
        "unfolded": torch.onnx.TrainingMode.PRESERVE,
    }[form]
    options: dict[str, object] = {"input_names": names, "output_names": ["logits"]}
    if exporter == "dynamo":
        batch = torch.export.Dim.DYNAMIC
        options |= {"dynamic_shapes": {name: {0: batch} for name in names}, "dynamo": True}
        options |= {"optimize": form == "inference", "external_data": False}
    else:
        options |= {"dynamic_axes": {name: {0: "batch"} for name in [*names, "logits"]}}
        options |= {"training": mode, "do_constant_folding": form == "inference", "dynamo": False}
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        torch.onnx.export(model, inputs, str(path), opset_version=opset, **options)
    remove_source_locations(path)


def remove_source_locations(path: Path) -> None:
    """Drops what exporters note about their own Python sources: it differs on every machine."""
    model = onnx.load(path)
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for function in model.functions:
        for node in function.node:
            del node.metadata_props[:]
            node.doc_string = ""
    for value in [*model.graph.value_info, *model.graph.input, *model.graph.output]:
        del value.metadata_props[:]
    for tensor in model.graph.initializer:
        del tensor.metadata_props[:]
    model.doc_string = ""
    onnx.save(model, path)


def export_variant(variant: Variant, folder: Path) -> Path:
    network = find_network(variant.network)
    data = network.make_data(4)
    inputs = tuple(torch.from_numpy(data[name]) for name in data if name != "target")
    path = folder / variant.file_name
    # BatchNormalization's statistics change when a module runs in training mode.
    export(network.make_model(), inputs, path, variant.exporter, variant.form, variant.opset)
    return path


def export_large(folder: Path) -> None:
    torch.manual_seed(0)
    export(resnet50(), (torch.randn(2, 3, 224, 224),), folder / "resnet50.onnx", form="training")
    ids = torch.randint(0, 30522, (2, 128))
    inputs = (ids, torch.ones_like(ids), torch.zeros_like(ids))
    export(bert_base(), inputs, folder / "bert_base.onnx")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--only", default="", help="a regular expression on file names")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    if arguments.large:
        export_large(arguments.folder)
        return
    for variant in all_variants() if arguments.all else committed_variants():
        if re.search(arguments.only, variant.file_name):
            path = export_variant(variant, arguments.folder)
            print(f"{path.stat().st_size:8d}  {path.name}", flush=True)


if __name__ == "__main__":
    main()
