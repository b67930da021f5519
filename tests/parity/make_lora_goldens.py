"""Writes what lora_test.py compares with: adapters trained by PEFT, in float64.

    python tests/parity/make_lora_goldens.py STROP            writes them
    python tests/parity/make_lora_goldens.py STROP --check    makes them anew and compares

Needs PyTorch and Hugging Face's `peft` (0.21.2), which is no part of the tests' environments. PEFT
starts from the adapters that STROP writes before the first step; the file of those is loaded by
PEFT itself, and so is the one that STROP writes after ten steps.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from case_table import DATA, STEPS
from lora_cases import CASES, GOLDENS, LoraCase, strop_command
from peft import PeftModel
from safetensors.torch import load_file

sys.path.insert(0, str(Path(__file__).parents[2] / "models"))
from make_goldens import batch, loss_of, make_reference, relative_difference, save  # noqa: E402
from networks.catalogue import Arrays, find_network  # noqa: E402


def adapters(strop: Path, case: LoraCase, folder: Path, epochs: int) -> Path:
    output = folder / f"adapter{epochs}"
    command = strop_command(strop, case, "f64", output, epochs=epochs)
    subprocess.run(command, check=True, capture_output=True)
    return output


def load(case: LoraCase, adapter: Path) -> PeftModel:
    form = case.batch_norm or "train"
    reference = make_reference(f"{case.network}.{form}", torch.float64)
    model = PeftModel.from_pretrained(reference, adapter, is_trainable=True)
    return model.train(form != "frozen")


def make_golden(strop: Path, case: LoraCase, folder: Path) -> Arrays:
    data = dict(np.load(DATA / f"{case.network}.npz"))
    network = find_network(case.network)
    first = adapters(strop, case, folder, epochs=0)
    model = load(case, first)
    kind, arguments, _ = case.optimizer
    trained = [p for p in model.parameters() if p.requires_grad]
    update = getattr(torch.optim, kind)(trained, foreach=False, **arguments)
    losses = []
    for step in range(STEPS):
        inputs, target = batch(data, step, torch.float64)
        update.zero_grad()
        loss = loss_of(network, model(*inputs), target)
        loss.backward()
        update.step()
        losses.append(loss.item())
    result: Arrays = {"losses": np.array(losses)}
    for name, tensor in load_file(first / "adapter_model.safetensors").items():
        result[f"first/{name}"] = tensor.numpy()
    for name, tensor in model.named_parameters():
        if tensor.requires_grad:
            plain = name.replace(".default.", ".").replace("modules_to_save.", "")
            result[f"last/{plain}"] = tensor.detach().numpy()
    check_loading(case, adapters(strop, case, folder, epochs=1), model, data)
    return result


def check_loading(case: LoraCase, last: Path, trained: PeftModel, data: Arrays) -> None:
    """PEFT computes the same with the adapters that Strop has trained."""
    inputs, _ = batch(data, 0, torch.float64)
    with torch.no_grad():
        expected = trained.eval()(*inputs).numpy()
        actual = load(case, last).eval()(*inputs).numpy()
    difference = relative_difference(actual, expected)
    assert difference < 1e-8, f"{case.name}: PEFT with Strop's adapters differs by {difference:.1e}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("strop", type=Path)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    wrong = []
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            golden = make_golden(arguments.strop.resolve(), case, Path(folder))
        path = GOLDENS / f"{case.name}.npz"
        if not arguments.check:
            save(path, golden)
            continue
        committed = dict(np.load(path))
        same = committed.keys() == golden.keys() and all(
            relative_difference(committed[n], golden[n]) < 1e-11 for n in golden
        )
        wrong += [] if same else [case.name]
    print(f"differ: {wrong}" if wrong else "goldens agree" if arguments.check else "written")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
