"""Writes samples and targets as each kind of data that the program reads."""

import gzip
import pathlib
import struct
from collections.abc import Callable

import numpy as np
from PIL import Image
from targets import CLASS_NAMES

IDX_CODES = {"uint8": 8, "int8": 9, "int16": 11, "int32": 12, "float32": 13, "float64": 14}


def npz(folder: pathlib.Path, samples: np.ndarray, target: np.ndarray) -> str:
    np.savez(folder / "data.npz", x=samples, target=target)
    return str(folder / "data.npz")


def npz_compressed(folder: pathlib.Path, samples: np.ndarray, target: np.ndarray) -> str:
    np.savez_compressed(folder / "data.npz", X=samples, target=target)
    return str(folder / "data.npz")


def npy(folder: pathlib.Path, samples: np.ndarray, target: np.ndarray) -> str:
    np.save(folder / "x.npy", samples)
    np.save(folder / "y.npy", target)
    return f"{folder / 'x.npy'},{folder / 'y.npy'}"


def npy_fortran(folder: pathlib.Path, samples: np.ndarray, target: np.ndarray) -> str:
    return npy(folder, np.asfortranarray(samples), np.asfortranarray(target))


def npy_big_endian(folder: pathlib.Path, samples: np.ndarray, target: np.ndarray) -> str:
    return npy(
        folder, *(array.astype(array.dtype.newbyteorder(">")) for array in (samples, target))
    )


def idx_bytes(array: np.ndarray) -> bytes:
    header = struct.pack(">BBBB", 0, 0, IDX_CODES[array.dtype.name], array.ndim)
    shape = struct.pack(f">{array.ndim}I", *array.shape)
    return header + shape + array.astype(array.dtype.newbyteorder(">")).tobytes()


def idx(folder: pathlib.Path, samples: np.ndarray, target: np.ndarray) -> str:
    (folder / "images").write_bytes(idx_bytes(samples))
    (folder / "labels").write_bytes(idx_bytes(target))
    return f"{folder / 'images'},{folder / 'labels'}"


def idx_gzip(folder: pathlib.Path, samples: np.ndarray, target: np.ndarray) -> str:
    (folder / "images.gz").write_bytes(gzip.compress(idx_bytes(samples)))
    (folder / "labels.gz").write_bytes(gzip.compress(idx_bytes(target)))
    return f"{folder / 'images.gz'},{folder / 'labels.gz'}"


def csv(folder: pathlib.Path, samples: np.ndarray, target: np.ndarray) -> str:
    """Columns a, b, … and target; numbers with the digits that bring them back."""
    names = [chr(ord("a") + i) for i in range(samples.shape[1])]
    lines = [",".join([*names, "target"])]
    for row, label in zip(samples, target.reshape(len(samples), -1)[:, 0], strict=True):
        text = label if isinstance(label, str) else repr(label.item())
        lines.append(",".join([*(repr(number.item()) for number in row), text]))
    (folder / "data.csv").write_text("\n".join(lines) + "\n")
    return str(folder / "data.csv")


def gray(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels[:, :, 0])


def with_alpha(pixels: np.ndarray) -> Image.Image:
    alpha = np.arange(pixels[:, :, :1].size, dtype=np.uint8).reshape(pixels[:, :, :1].shape)
    return Image.fromarray(np.concatenate([pixels, alpha * 8], axis=2), "RGBA")


def palette(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels).quantize(256)


def sixteen_bits(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels[:, :, 0].astype(np.uint16) * 257)


# By the ending of the files: how a picture is drawn, and what it shows as RGB or grey.
PICTURES: dict[str, tuple[Callable[[np.ndarray], Image.Image], str]] = {
    "png": (Image.fromarray, "png"),
    "gray_png": (gray, "png"),
    "alpha_png": (with_alpha, "png"),
    "palette_png": (palette, "png"),
    "sixteen_png": (sixteen_bits, "png"),
    "bmp": (Image.fromarray, "bmp"),
    "jpeg": (Image.fromarray, "jpg"),
    "webp": (Image.fromarray, "webp"),
    "tiff": (Image.fromarray, "tiff"),
    "gif": (palette, "gif"),
}


def pictures(
    folder: pathlib.Path, kind: str, pixels: np.ndarray, labels: np.ndarray
) -> tuple[str, np.ndarray, np.ndarray]:
    """A folder a class; the pixels [rows, height, width, 3] and labels in the order of the walk."""
    draw, ending = PICTURES[kind]
    root = folder / "pictures"
    for row, label in enumerate(labels):
        place = root / CLASS_NAMES[label]
        place.mkdir(parents=True, exist_ok=True)
        path = place / f"{row:02}.{ending}"
        if ending == "webp":
            draw(pixels[row]).save(path, lossless=True)
        elif ending == "jpg":
            draw(pixels[row]).save(path, quality=95, subsampling=0)
        else:
            draw(pixels[row]).save(path)
    order = np.argsort(labels, kind="stable")
    shown = []
    for row in order:
        path = root / CLASS_NAMES[labels[row]] / f"{row:02}.{ending}"
        with Image.open(path) as image:
            picture = np.asarray(image)
            if picture.dtype == np.uint16 or image.mode.startswith("I"):
                picture = np.repeat((picture // 257)[:, :, None], 3, axis=2)
            else:
                picture = np.asarray(image.convert("RGB"))
        shown.append(picture)
    return str(root), np.stack(shown), labels[order]


ARRAYS = {
    "npz": npz,
    "npz_compressed": npz_compressed,
    "npy": npy,
    "npy_fortran": npy_fortran,
    "npy_big_endian": npy_big_endian,
    "idx": idx,
    "idx_gzip": idx_gzip,
    "csv": csv,
}
