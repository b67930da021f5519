"""The adapters that are compared with PEFT's; shared by make_lora_goldens.py and lora_test.py."""

from dataclasses import dataclass
from pathlib import Path

from case_table import BATCH_SIZE, DATA, HERE, MODELS

GOLDENS = HERE / "goldens" / "lora"

SGD = ("SGD", {"lr": 0.02, "momentum": 0.9}, ["sgd", "--momentum", "0.9"])
ADAMW = ("AdamW", {"lr": 2e-3, "weight_decay": 0.1}, ["adamw", "--weight-decay", "0.1"])


@dataclass(frozen=True)
class LoraCase:
    """One model's adapters. `optimizer` is a row as in case_table.OPTIMIZERS."""

    name: str
    model: str
    optimizer: tuple[str, dict[str, float], list[str]]
    options: tuple[str, ...]
    batch_norm: str = ""

    @property
    def network(self) -> str:
        return self.model.split(".")[0]


CASES = [
    LoraCase("bert.torchscript", "bert.torchscript.training.23.onnx", SGD, ("--lora", "*")),
    LoraCase("bert.adamw", "bert.torchscript.training.23.onnx", ADAMW, ("--lora", "*query*")),
    LoraCase(
        "bert.dynamo",
        "bert.dynamo.inference.23.onnx",
        SGD,
        ("--lora", "*", "--lora-rslora", "--train", "classifier.*"),
    ),
    LoraCase("lenet.dynamo", "lenet.dynamo.inference.22.onnx", ADAMW, ("--lora", "*")),
    LoraCase("resnet.conv", "resnet.torchscript.unfolded.21.onnx", SGD, ("--lora", "*"), "frozen"),
]


def strop_command(
    strop: Path, case: LoraCase, precision: str, output: Path, epochs: int
) -> list[str]:
    torch_options, options = case.optimizer[1:]
    command = [
        *("train", MODELS / case.model, "--data", DATA / f"{case.network}.npz"),
        *("--optimizer", *options, "--learning-rate", repr(torch_options["lr"])),
        *("--batch-size", BATCH_SIZE, "--epochs", epochs, "--no-shuffle", "--seed", 5),
        *("--precision", precision, "--json", "--log-every", 1),
        *case.options,
        *("--lora-rank", 4, "--lora-alpha", 8, "--lora-export", "peft", "-o", output),
    ]
    if case.batch_norm:
        command += ["--batch-norm", case.batch_norm]
    return [str(part) for part in (strop, *command)]
