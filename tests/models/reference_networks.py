"""The networks of torchvision and Hugging Face that `strop new` builds: names, shapes, outputs.

    python tests/models/reference_networks.py write            reference_networks.json
    python tests/models/reference_networks.py outputs STROP    the same weights, the same logits

Needs torch, torchvision and transformers, which the tests do not: they read the committed file.
"""

import hashlib
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
import torchvision.models as vision
import transformers
from onnx import numpy_helper
from torch import Tensor, nn

GOLDEN = Path(__file__).with_name("reference_networks.json")
# PyTorch's buffers that ONNX has no use for, and the head that shares its table.
NOT_A_TENSOR = re.compile(
    r"num_batches_tracked|position_ids|\.attn\.(masked_)?bias|lm_head\.weight"
)


@dataclass(frozen=True)
class Reference:
    """A network of others; `options` make `strop new` build the same."""

    architecture: str
    options: tuple[str, ...]
    build: Callable[[], nn.Module]


def bert() -> nn.Module:
    return transformers.BertForSequenceClassification(transformers.BertConfig())


def gpt() -> nn.Module:
    return transformers.GPT2LMHeadModel(transformers.GPT2Config())


REFERENCES = [
    *(
        Reference(f"vgg{n}", options, getattr(vision, f"vgg{n}{suffix}"))
        for n in (11, 13, 16, 19)
        for options, suffix in (((), ""), (("--batch-norm",), "_bn"))
    ),
    *(Reference(f"resnet{n}", (), getattr(vision, f"resnet{n}")) for n in (18, 34, 50, 101, 152)),
    *(Reference(f"densenet{n}", (), getattr(vision, f"densenet{n}")) for n in (121, 169, 201)),
    Reference("mobilenet_v2", (), vision.mobilenet_v2),
    Reference(
        "mobilenet_v2",
        ("--width-multiplier", "0.5"),
        lambda: vision.mobilenet_v2(width_mult=0.5),
    ),
    Reference("mobilenet_v3_small", (), vision.mobilenet_v3_small),
    Reference("mobilenet_v3_large", (), vision.mobilenet_v3_large),
    Reference("vit", (), vision.vit_b_16),
    Reference("vit", ("--patch", "32"), vision.vit_b_32),
    Reference("bert", (), bert),
    Reference("gpt", (), gpt),
]


def tensors_of(model: nn.Module) -> dict[str, Tensor]:
    """By the names that `strop new` gives: ViT's packed projection is a Linear there."""
    return {
        name.replace("in_proj_", "in_proj.").removeprefix("bert."): tensor
        for name, tensor in model.state_dict().items()
        if not NOT_A_TENSOR.search(name)
    }


def line(name: str, shape: list[int]) -> str:
    """Matrices have their sizes sorted: a MatMul holds PyTorch's weight transposed."""
    return f"{name} {sorted(shape) if len(shape) == 2 else list(shape)}"


def digest(shapes: dict[str, list[int]]) -> str:
    lines = sorted(line(name, shape) for name, shape in shapes.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def describe(reference: Reference) -> dict:
    with torch.device("meta"):
        model = reference.build()
    shapes = {name: list(tensor.shape) for name, tensor in tensors_of(model).items()}
    return {
        "architecture": reference.architecture,
        "options": list(reference.options),
        "parameters": sum(p.numel() for p in model.parameters()),
        "tensors": len(shapes),
        "digest": digest(shapes),
    }


def load(model: nn.Module, path: Path) -> None:
    arrays = {t.name: numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer}
    for name, tensor in tensors_of(model).items():
        array = arrays[name]
        is_transposed = array.shape != tuple(tensor.shape)
        # A square matrix may be transposed too: MatMul's always are, GPT-2's own are not.
        is_square = array.ndim == 2 and array.shape[0] == array.shape[1]
        if is_square and name.endswith(".weight") and isinstance(model, SQUARES_ARE_TRANSPOSED):
            is_transposed = not re.search(r"pooler|classifier|heads", name)
        tensor.data.copy_(torch.from_numpy((array.T if is_transposed else array).copy()))


SQUARES_ARE_TRANSPOSED = (transformers.BertForSequenceClassification, vision.VisionTransformer)


def inputs_of(reference: Reference) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    if reference.architecture not in ("bert", "gpt"):
        return {"image": random.normal(size=(1, 3, 224, 224)).astype(np.float32)}
    inputs = {"input_ids": random.integers(0, 30000, (2, 11))}
    if reference.architecture == "bert":
        inputs["attention_mask"] = (np.arange(11) < [[11], [7]]).astype(np.int64)
        inputs["token_type_ids"] = (np.arange(11) >= 4).astype(np.int64)[None].repeat(2, axis=0)
    return inputs


@torch.no_grad()
def compare_outputs(reference: Reference, strop: str) -> float:
    model = reference.build().eval()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        command = [strop, "new", reference.architecture, *reference.options, "-o", path]
        subprocess.run(command, check=True, capture_output=True)
        load(model, path)
        inputs = inputs_of(reference)
        found = onnxruntime.InferenceSession(path).run(["logits"], inputs)[0]
    feeds = {name: torch.from_numpy(array) for name, array in inputs.items()}
    result = model(**feeds) if "image" not in feeds else model(feeds["image"])
    logits = result if isinstance(result, Tensor) else result.logits
    return float(np.abs(found - logits.numpy()).max() / logits.abs().max())


def main() -> None:
    if sys.argv[1:] == ["write"]:
        rows = [describe(reference) for reference in REFERENCES]
        GOLDEN.write_text("[\n" + ",\n".join(f"  {json.dumps(row)}" for row in rows) + "\n]\n")
        return
    if len(sys.argv) != 3 or sys.argv[1] != "outputs":
        sys.exit(__doc__)
    worst = 0.0
    for reference in REFERENCES:
        error = compare_outputs(reference, sys.argv[2])
        worst = max(worst, error)
        print(f"{reference.architecture} {' '.join(reference.options)}: {error:.1e}", flush=True)
    sys.exit(worst > 1e-4)


if __name__ == "__main__":
    main()
