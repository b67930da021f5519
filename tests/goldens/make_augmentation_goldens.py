"""Writes augmentation.json: images changed by Pillow and by Python's colorsys."""

import colorsys
import json
import pathlib

import numpy as np
from PIL import Image, ImageEnhance

HEIGHT, WIDTH = 9, 7
PIXELS = np.random.default_rng(4).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
IMAGE = Image.fromarray(PIXELS)


def case(operation: str, result: Image.Image | np.ndarray, *arguments: float) -> dict:
    if isinstance(result, Image.Image):
        result = np.asarray(result) / 255
    pixels = [round(float(number), 9) for number in result.ravel()]
    return {
        "operation": operation,
        "arguments": arguments,
        "height": result.shape[0],
        "width": result.shape[1],
        "pixels": pixels,
    }


def turned(turn: float) -> np.ndarray:
    result = np.empty(PIXELS.shape)
    for at in np.ndindex(HEIGHT, WIDTH):
        hue, saturation, value = colorsys.rgb_to_hsv(*(PIXELS[at] / 255))
        result[at] = colorsys.hsv_to_rgb((hue + turn) % 1, saturation, value)
    return result


CASES = [
    case("image", IMAGE),
    case("flip_horizontally", IMAGE.transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
    case("flip_vertically", IMAGE.transpose(Image.Transpose.FLIP_TOP_BOTTOM)),
]
for top, left, height, width in ((2, 1, 5, 4), (-3, 2, 9, 7), (4, -2, 9, 7), (9, 0, 3, 7)):
    box = (left, top, left + width, top + height)
    CASES.append(case("crop", IMAGE.crop(box), top, left, height, width))
for degrees in (17.3, -41.7, 83, 180, -5):
    CASES.append(case("rotate", IMAGE.rotate(degrees), degrees))
for size in ((4, 3), (20, 13), (9, 12)):
    channels = [Image.fromarray(PIXELS[..., c].astype(np.float32)) for c in range(3)]
    resized = [np.asarray(c.resize(size[::-1], Image.Resampling.BILINEAR)) for c in channels]
    CASES.append(case("resize", np.stack(resized, axis=-1) / 255, *size))
for factor in (0.0, 0.4, 1.7):
    for name in ("Brightness", "Contrast", "Color"):
        enhanced = getattr(ImageEnhance, name)(IMAGE).enhance(factor)
        CASES.append(case("saturation" if name == "Color" else name.lower(), enhanced, factor))
for turn in (-0.5, -0.13, 0.2, 0.45):
    CASES.append(case("hue", turned(turn), turn))

path = pathlib.Path(__file__).with_name("augmentation.json")
path.write_text("[\n" + ",\n".join(json.dumps(c) for c in CASES) + "\n]\n")
