"""Writes what parity_test.py compares with: data, goldens and the manifest, all from PyTorch.

    python tests/parity/make_goldens.py            writes them
    python tests/parity/make_goldens.py --check    makes them anew and compares with the committed

The float64 goldens come from the float32 weights widened. Goldens hold, for every optimizer, the
losses of ten steps in float64 and float32, and the float64 vector-Jacobian product of the first
batch for a fixed cotangent.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import onnx
import torch
from case_table import BATCH_SIZE, DATA, GOLDENS, MANIFEST, MODELS, OPTIMIZERS, STEPS, pack
from onnx import numpy_helper
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[2] / "models"))
from export_networks import Variant  # noqa: E402
from networks.catalogue import NETWORKS, Arrays, Network, find_network  # noqa: E402


def golden_names(network: Network) -> list[str]:
    """BatchNormalization trains or is frozen."""
    if network.has_batch_norm:
        return [f"{network.name}.train", f"{network.name}.frozen"]
    return [network.name]


def make_reference(golden: str, dtype: torch.dtype) -> nn.Module:
    name, _, form = golden.partition(".")
    model = find_network(name).make_model(written_out=True).to(dtype)
    return model.train(form != "frozen")


def batch(data: Arrays, step: int, dtype: torch.dtype) -> tuple[list[torch.Tensor], torch.Tensor]:
    rows = slice(step * BATCH_SIZE, (step + 1) * BATCH_SIZE)
    tensors = {name: torch.from_numpy(array[rows]) for name, array in data.items()}
    tensors = {n: t.to(dtype) if t.is_floating_point() else t for n, t in tensors.items()}
    target = tensors.pop("target")
    return list(tensors.values()), target


def loss_of(network: Network, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    if network.loss == "binary_cross_entropy":
        return nn.functional.binary_cross_entropy_with_logits(logits, target)
    return nn.functional.cross_entropy(logits.flatten(0, -2), target.flatten())


def losses(golden: str, optimizer: str, data: Arrays, dtype: torch.dtype) -> np.ndarray:
    network = find_network(golden.split(".")[0])
    model = make_reference(golden, dtype)
    kind, arguments, _ = OPTIMIZERS[optimizer]
    update = getattr(torch.optim, kind)(model.parameters(), foreach=False, **arguments)
    values = []
    for step in range(STEPS):
        inputs, target = batch(data, step, dtype)
        update.zero_grad()
        loss = loss_of(network, model(*inputs), target)
        loss.backward()
        update.step()
        values.append(loss.item())
    return np.array(values, np.float64)


def make_golden(golden: str, data: Arrays) -> Arrays:
    result: Arrays = {}
    for optimizer in OPTIMIZERS:
        for label, dtype in (("f64", torch.float64), ("f32", torch.float32)):
            result[f"loss/{optimizer}/{label}"] = losses(golden, optimizer, data, dtype)
    model = make_reference(golden, torch.float64)
    inputs, _ = batch(data, 0, torch.float64)
    logits = model(*inputs)
    generator = np.random.default_rng(5)
    cotangent = generator.normal(size=logits.shape).astype(np.float32)
    logits.backward(torch.from_numpy(cotangent).double())
    result["cotangent"] = cotangent
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        result[f"gradient/{name}"] = parameter.grad.numpy()
    return result


def candidates(model: nn.Module) -> list[tuple[str, list[str], np.ndarray]]:
    """(layout, parameter names, tensor) of every form in which a file may hold a parameter."""
    arrays = {name: p.detach().numpy() for name, p in model.named_parameters()}
    found = [("same", [name], array) for name, array in arrays.items()]
    found += [("transposed", [n], a.T) for n, a in arrays.items() if a.ndim == 2]
    for prefix, module in model.named_modules():
        if not isinstance(module, (nn.LSTM, nn.GRU)):
            continue
        cell = type(module).__name__.lower()
        suffixes = ["", "_reverse"] if module.bidirectional else [""]
        for layer in range(module.num_layers):
            for kind in ("weight_ih", "weight_hh"):
                names = [f"{prefix}.{kind}_l{layer}{s}" for s in suffixes]
                found.append((cell, names, pack(cell, [arrays[n] for n in names])))
            names = [f"{prefix}.bias_{part}_l{layer}{s}" for s in suffixes for part in ("ih", "hh")]
            layout = f"{cell}_bias"
            found.append((layout, names, pack(layout, [arrays[n] for n in names])))
    return found


def find_parameters(path: Path, model: nn.Module) -> dict[str, dict[str, object]]:
    """Which tensor of the file holds which parameters. Every parameter has to be found."""
    graph = onnx.load(path).graph
    tensors = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            tensors[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    result: dict[str, dict[str, object]] = {}
    for layout, names, array in candidates(model):
        for tensor_name, tensor in tensors.items():
            if tensor.shape == array.shape and tensor.size and np.array_equal(tensor, array):
                result[tensor_name] = {"layout": layout, "parameters": names}
    covered = {name for row in result.values() for name in row["parameters"]}  # type: ignore[attr-defined]
    missing = {name for name, _ in model.named_parameters()} - covered
    assert not missing, f"{path.name}: no tensor holds {sorted(missing)}"
    return result


def golden_of(variant: Variant) -> str | None:
    """The golden that a file has to agree with; None where BatchNormalization is folded away."""
    network = find_network(variant.network)
    if network.has_batch_norm:
        forms = {"training": "train", "unfolded": "frozen"}
        return f"{network.name}.{forms[variant.form]}" if variant.form in forms else None
    return network.name


def make_manifest() -> dict[str, dict[str, object]]:
    manifest = {}
    for path in sorted(MODELS.glob("*.onnx")):
        variant = Variant.parse(path.name)
        network = find_network(variant.network)
        row: dict[str, object] = {"network": network.name, "loss": network.loss}
        golden = golden_of(variant)
        if golden is not None:
            row["golden"] = golden
            row["parameters"] = find_parameters(path, network.make_model())
        manifest[path.name] = row
    return manifest


def save(path: Path, arrays: Arrays) -> None:
    path.parent.mkdir(exist_ok=True)
    np.savez_compressed(path, **arrays)


def relative_difference(actual: np.ndarray, expected: np.ndarray) -> float:
    return float(np.linalg.norm(actual - expected) / max(np.linalg.norm(expected), 1e-300))


def check(path: Path, arrays: Arrays) -> list[str]:
    """What of the committed file differs from `arrays`; float32 sums depend on the machine."""
    committed = np.load(path)
    if set(committed.files) != set(arrays):
        return [f"{path.name}: other arrays than committed"]
    total = np.linalg.norm([np.linalg.norm(a) for n, a in arrays.items() if n[:9] == "gradient/"])
    found = []
    for name, array in arrays.items():
        tolerance = 1e-4 if name.endswith("/f32") else 1e-11
        if name.startswith("gradient/") and np.linalg.norm(array) < 1e-12 * total:
            continue  # zero but for rounding
        difference = relative_difference(committed[name].astype(np.float64), array)
        if difference > tolerance:
            found.append(f"{path.name}: {name} differs by {difference:.1e}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    differences: list[str] = []
    for network in NETWORKS:
        data = network.make_data(STEPS * BATCH_SIZE)
        outcomes = {DATA / f"{network.name}.npz": data}
        for golden in golden_names(network):
            outcomes[GOLDENS / f"{golden}.npz"] = make_golden(golden, data)
        for path, arrays in outcomes.items():
            if arguments.check:
                differences += check(path, arrays)
            else:
                save(path, arrays)
    manifest = json.dumps(make_manifest(), indent=0, sort_keys=True) + "\n"
    if not arguments.check:
        MANIFEST.write_text(manifest)
    elif MANIFEST.read_text() != manifest:
        differences.append("manifest.json differs")
    print("\n".join(differences) or "goldens agree" if arguments.check else "goldens written")
    sys.exit(bool(differences))


if __name__ == "__main__":
    main()
