"""Runs the trained network in ONNX Runtime, and compares with Strop.

    python models/quickstart/compare.py STROP MODEL PICTURES

Prints both accuracies and the largest difference of outputs; fails when they do not agree.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

HEIGHT, WIDTH = 48, 192
TOLERANCE = 1e-4


def load_pictures(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """[N, 3, 48, 192] as PaddleOCR feeds it: pixels in [-1, 1], zeros to the right; and labels."""
    paths = sorted(folder.glob("*/*.png"))
    pictures = np.zeros((len(paths), 3, HEIGHT, WIDTH), np.float32)
    for picture, path in zip(pictures, paths, strict=True):
        pixels = np.asarray(Image.open(path), np.float32).transpose(2, 0, 1)
        picture[:, : pixels.shape[1], : pixels.shape[2]] = (pixels / 255 - 0.5) / 0.5
    return pictures, np.array([int(path.parent.name) for path in paths])


def run_strop(strop: str, model: str, inputs: dict[str, np.ndarray]) -> np.ndarray:
    with tempfile.TemporaryDirectory() as name:
        source, target = Path(name, "in.npz"), Path(name, "out.npz")
        np.savez(source, **inputs)
        subprocess.run([strop, "run", model, "--inputs", source, "-o", target], check=True)
        outputs = np.load(target)
        return outputs[outputs.files[0]]


def main() -> None:
    strop, model, folder = sys.argv[1:]
    pictures, labels = load_pictures(Path(folder))
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    inputs = {session.get_inputs()[0].name: pictures}
    runtime = session.run(None, inputs)[0]
    ours = run_strop(strop, model, inputs)
    difference = float(np.abs(runtime - ours).max())
    accuracies = [float(np.mean(out.argmax(axis=1) == labels)) for out in (ours, runtime)]
    print(f"   Strop         {accuracies[0]:7.2%} of {len(labels)} held-out digits")
    print(f"   ONNX Runtime  {accuracies[1]:7.2%}")
    print(f"   largest difference of any output: {difference:.1e}")
    if difference > TOLERANCE or accuracies[0] != accuracies[1]:
        sys.exit(f"compare: expected equal accuracies and at most {TOLERANCE:.0e}")


if __name__ == "__main__":
    main()
