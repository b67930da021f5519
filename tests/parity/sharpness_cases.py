"""The sharpness-aware trainings that are compared; shared by the goldens' script and the test."""

from dataclasses import dataclass
from pathlib import Path

from case_table import BATCH_SIZE, DATA, HERE, MODELS, STEPS

GOLDENS = HERE / "goldens" / "sharpness"

SGD = ("SGD", {"lr": 0.02, "momentum": 0.9}, ["sgd", "--momentum", "0.9"])
ADAMW = ("AdamW", {"lr": 2e-3, "weight_decay": 0.1}, ["adamw", "--weight-decay", "0.1"])


@dataclass(frozen=True)
class SharpnessCase:
    """`optimizer` is a row as in case_table.OPTIMIZERS; `batches` make one step."""

    name: str
    model: str
    optimizer: tuple[str, dict[str, float], list[str]]
    rho: float
    adaptive: bool = False
    batches: int = 1
    clip_norm: float = 0

    @property
    def network(self) -> str:
        return self.model.split(".")[0]

    @property
    def steps(self) -> int:
        return STEPS // self.batches


MLP = "mlp.torchscript.training.17.onnx"
LENET = "lenet.torchscript.training.18.onnx"
RESNET = "resnet.torchscript.training.19.onnx"
BERT = "bert.torchscript.training.23.onnx"

CASES = [
    SharpnessCase("mlp.sgd", MLP, SGD, 0.05),
    SharpnessCase("mlp.adaptive", MLP, ADAMW, 0.5, adaptive=True),
    SharpnessCase("lenet.accumulated", LENET, SGD, 0.1, batches=2),
    SharpnessCase("lenet.clipped", LENET, SGD, 0.05, clip_norm=0.5),
    SharpnessCase("resnet.sgd", RESNET, SGD, 0.05),
    SharpnessCase("resnet.adaptive", RESNET, SGD, 0.5, adaptive=True),
    SharpnessCase("bert.adamw", BERT, ADAMW, 0.05),
]


def strop_command(strop: Path, case: SharpnessCase, precision: str, output: Path) -> list[str]:
    torch_options, options = case.optimizer[1:]
    command = [
        *("train", MODELS / case.model, "--data", DATA / f"{case.network}.npz"),
        *("--optimizer", *options, "--learning-rate", repr(torch_options["lr"])),
        *("--sam-rho", case.rho, "--batch-size", BATCH_SIZE, "--accumulation-steps", case.batches),
        *("--steps", case.steps, "--epochs", 1, "--no-shuffle", "--batch-norm", "train"),
        *("--precision", precision, "--json", "--log-every", 1, "-o", output),
    ]
    if case.adaptive:
        command.append("--sam-adaptive")
    if case.clip_norm:
        command += ["--clip-norm", case.clip_norm]
    return [str(part) for part in (strop, *command)]
