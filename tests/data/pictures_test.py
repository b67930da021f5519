"""Folders of pictures: Pillow's pixels, what is left out, and what is refused before training."""

import io
import pathlib
import struct
import unittest
import zlib

import numpy as np
from onnx import helper, numpy_helper
from PIL import Image, ImageOps, features
from program import ProgramTest, make_model, run

BAD_DATA = 65
USAGE = 2
ORIENTATION = 0x0112


def png_of(pixels: np.ndarray, chunks: bytes = b"", color: int = 0) -> bytes:
    """A PNG of [height, width] or [height, width, channels], 8 or 16 bits, written by hand."""

    def chunk(name: bytes, contents: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(name + contents))
        return struct.pack(">I", len(contents)) + name + contents + checksum

    rows = pixels.astype(pixels.dtype.newbyteorder(">"))
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    size = struct.pack(">II", pixels.shape[1], pixels.shape[0])
    header = size + bytes([8 * pixels.dtype.itemsize, color, 0, 0, 0])
    image = chunk(b"IHDR", header) + chunks + chunk(b"IDAT", zlib.compress(raw))
    return b"\x89PNG\r\n\x1a\n" + image + chunk(b"IEND", b"")


def gamma(number: int) -> bytes:
    contents = b"gAMA" + struct.pack(">I", number)
    return struct.pack(">I", 4) + contents + struct.pack(">I", zlib.crc32(contents))


def rgb_of(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB"))


class PictureCase(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.random = np.random.default_rng(0)
        self.rgb = self.random.integers(0, 256, (11, 9, 3), dtype=np.uint8)
        self.rgba = self.random.integers(0, 256, (11, 9, 4), dtype=np.uint8)
        y, x = np.mgrid[:11, :9]
        self.smooth = np.stack([x * 20, y * 15, 255 - x * 9 - y * 9], -1).astype(np.uint8)

    def model(self, shape: list[int | str], count: int) -> pathlib.Path:
        """y = the sum of all numbers, each with a weight of its own."""
        self.weights = self.random.normal(size=(count, 1)).astype(np.float32)
        nodes = [
            helper.make_node("Flatten", ["x"], ["f"], name="flatten"),
            helper.make_node("MatMul", ["f", "w"], ["y"], name="fc"),
        ]
        tensors = [numpy_helper.from_array(self.weights, "w")]
        return self.save(make_model(nodes, tensors, ["n", *shape], ["n", 1]))

    def sum_of(self, pixels: np.ndarray) -> float:
        """|y| of [height, width, channels]; the target is class 0."""
        flat = pixels.transpose(2, 0, 1).reshape(-1).astype(float) / 255
        return abs(float(flat @ self.weights[:, 0].astype(float)))

    def check(self, name: str, contents: bytes, pixels: np.ndarray, *options: str) -> None:
        folder = self.path(name.replace(".", "_"))
        (folder / "0").mkdir(parents=True, exist_ok=True)
        (folder / "0" / name).write_bytes(contents)
        height, width, channels = pixels.shape
        model = self.model([channels, height, width], pixels.size)
        done = self.run_well("evaluate", model, "--data", folder, "--loss", "l1", *options)
        loss = float(done.stdout.split()[1])
        # One pixel that is off by one is about 0.004 off.
        self.assertAlmostEqual(loss, self.sum_of(pixels), 4, name)

    def written(self, image: Image.Image, kind: str, **options: object) -> bytes:
        out = io.BytesIO()
        image.save(out, kind, **options)
        return out.getvalue()


class PixelsTest(PictureCase):
    def test_every_format_and_mode(self) -> None:
        self.assertTrue(features.check("webp") and features.check("libtiff"))
        color = Image.fromarray(self.rgb)
        images = {
            "rgb": color,
            "grey": Image.fromarray(self.rgb[..., 0]),
            "grey_alpha": Image.fromarray(self.rgba[..., :2].copy(), "LA"),
            "alpha": Image.fromarray(self.rgba, "RGBA"),
            "palette": color.quantize(16),
            "bit": Image.fromarray(self.rgb[..., 0]).convert("1"),
        }
        formats = {
            "PNG": {},
            "BMP": {},
            "GIF": {},
            "PPM": {},
            "TIFF": {},
            "WEBP": {"lossless": True, "exact": True},
        }
        lacking = {("grey_alpha", "BMP"), ("grey_alpha", "PPM"), ("palette", "PPM")}
        for mode, image in images.items():
            for kind, options in formats.items():
                if (mode, kind) in lacking:
                    continue
                with self.subTest(mode=mode, kind=kind):
                    contents = self.written(image, kind, **options)
                    pixels = rgb_of(Image.open(io.BytesIO(contents)))
                    self.check(f"{mode}.{kind.lower()}", contents, pixels)

    def test_bits_gamma_and_interlacing_of_png(self) -> None:
        grey = self.rgb[..., 0]
        three = np.repeat(grey[..., None], 3, -1)
        for number in (45455, 55556, 100000):
            self.check(f"gamma{number}.png", png_of(grey, gamma(number)), three)
        wide = self.random.integers(0, 65536, (11, 9, 3)).astype(np.uint16)
        divided = np.rint(wide / 257).astype(np.uint8)
        self.check("wide.png", png_of(wide, color=2), divided)
        self.check("wide_gamma.png", png_of(wide, gamma(100000), color=2), divided)
        once = np.repeat(divided[..., :1], 3, -1)
        self.check("wide_grey.png", png_of(wide[..., 0]), once)
        self.check("wide_alpha.png", png_of(wide[..., :2], color=4), once)
        tiff = self.written(Image.fromarray(wide[..., 0]), "TIFF")
        self.check("wide.tif", tiff, once)
        pgm = b"P5 # grey\n9 11\n65535\n" + wide[..., 0].astype(">u2").tobytes()
        self.check("wide.pgm", pgm, once)
        # Pillow writes no interlaced PNG; a GIF it does.
        contents = self.written(Image.fromarray(grey), "GIF", interlace=1)
        self.check("interlaced.gif", contents, rgb_of(Image.open(io.BytesIO(contents))))

    def test_few_bits(self) -> None:
        for bits in (1, 2, 4):
            levels = self.random.integers(0, 2**bits, (11, 8)).astype(np.uint8)
            palette = Image.fromarray(levels, "P")
            palette.putpalette(self.random.integers(0, 256, 3 * 2**bits, dtype=np.uint8).tobytes())
            for kind in ("PNG", "GIF", "BMP"):
                options = {"bits": bits} if kind == "PNG" else {}
                contents = self.written(palette, kind, **options)
                pixels = rgb_of(Image.open(io.BytesIO(contents)))
                self.check(f"palette{bits}.{kind.lower()}", contents, pixels)

    def test_bitmaps(self) -> None:
        """Headers and pixel layouts that Pillow reads and does not write."""
        header = struct.pack("<IiiHHIIiiII", 40, 9, -11, 1, 16, 0, 0, 0, 0, 0, 0)
        bits = self.random.integers(0, 2**15, (11, 10)).astype("<u2")
        head = struct.pack("<2sIHHI", b"BM", 0, 0, 0, 54)
        masks = struct.pack("<III", 0xF800, 0x07E0, 0x001F)
        fields = struct.pack("<IiiHHIIiiII", 40, 9, 11, 1, 16, 3, 0, 0, 0, 0, 0)
        core = struct.pack("<IHHHH", 12, 9, 11, 1, 24)
        triples = self.random.integers(0, 256, (11, 28), dtype=np.uint8)
        files = {
            "top_down_555": head + header + bits.tobytes(),
            "masks_565": struct.pack("<2sIHHI", b"BM", 0, 0, 0, 66)
            + fields
            + masks
            + bits.tobytes(),
            "core": struct.pack("<2sIHHI", b"BM", 0, 0, 0, 26) + core + triples.tobytes(),
        }
        for name, contents in files.items():
            self.check(f"{name}.bmp", contents, rgb_of(Image.open(io.BytesIO(contents))))

    def test_jpeg(self) -> None:
        smooth = Image.fromarray(self.smooth)
        cmyk = Image.fromarray(np.dstack([self.smooth, self.smooth[..., 0] // 4]), "CMYK")
        for name, image, options in (
            ("rgb", smooth, {}),
            ("grey", smooth.convert("L"), {}),
            ("progressive", smooth, {"progressive": True}),
            ("cmyk", cmyk, {"quality": 95}),
        ):
            contents = self.written(image, "JPEG", **options)
            self.check(f"{name}.jpg", contents, rgb_of(Image.open(io.BytesIO(contents))))
        contents = self.written(smooth, "JPEG")
        pixels = rgb_of(Image.open(io.BytesIO(contents)))
        self.check("named_otherwise.png", contents, pixels)
        self.check("something_behind.jpg", contents + b"a video, or a maker's note", pixels)

    def test_orientation(self) -> None:
        for orientation in range(1, 9):
            exif = Image.Exif()
            exif[ORIENTATION] = orientation
            image = Image.fromarray(self.smooth)
            for kind, options in (
                ("JPEG", {"exif": exif}),
                ("PNG", {"exif": exif}),
                ("WEBP", {"exif": exif, "lossless": True}),
                ("TIFF", {"tiffinfo": {ORIENTATION: orientation}}),
            ):
                contents = self.written(image, kind, **options)
                opened = Image.open(io.BytesIO(contents))
                with self.subTest(orientation=orientation, kind=kind):
                    name = f"{orientation}.{kind.lower()}"
                    upright = rgb_of(ImageOps.exif_transpose(opened))
                    # An exactly symmetric picture would prove nothing.
                    self.assertEqual(orientation > 4, upright.shape != self.smooth.shape)
                    self.check(name, contents, upright)
                    if kind != "TIFF":  # which Pillow always turns
                        self.check(name, contents, rgb_of(opened), "--ignore-orientation")

    def test_says_what_it_turned(self) -> None:
        exif = Image.Exif()
        exif[ORIENTATION] = 3
        contents = self.written(Image.fromarray(self.smooth), "PNG", exif=exif)
        self.path("d/0").mkdir(parents=True)
        self.path("d/0/a.png").write_bytes(contents)
        model = self.model([3, 11, 9], 297)
        evaluate = ["evaluate", model, "--data", self.path("d"), "--loss", "l1"]
        self.assertIn("turned 1 picture upright", self.run_well(*evaluate).stderr)
        stored = self.run_well(*evaluate, "--ignore-orientation").stderr
        self.assertNotIn("turned", stored)


class FolderTest(PictureCase):
    def setUp(self) -> None:
        super().setUp()
        self.root = self.path("data")
        self.pictures = []
        for name in ("cat/b.png", "cat/more/a.png", "cat/more/deep/z.PNG", "dog/a.png"):
            self.pictures.append(self.picture(name))

    def picture(self, name: str) -> np.ndarray:
        pixels = self.random.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
        return pixels

    def evaluate(self, *options: object) -> tuple[float, int, str]:
        model = self.path("model.onnx")
        if not model.exists():
            self.model([3, 4, 4], 48)
        done = self.run_well("evaluate", model, "--data", self.root, "--loss", "l1", *options)
        words = done.stdout.split()
        return float(words[1]), int(words[3]), done.stderr

    def expected(self, labels: tuple[int, ...]) -> float:
        images = np.stack(self.pictures).transpose(0, 3, 1, 2).reshape(len(labels), -1) / 255
        return float(abs(images @ self.weights[:, 0].astype(float) - labels).mean())

    def refuse(self, culprit: str, *arguments: object) -> None:
        done = run(*arguments)
        self.assertEqual(done.returncode, BAD_DATA, done.stderr)
        self.assertNotIn("epoch", done.stderr)
        self.assertIn(culprit, done.stderr.splitlines()[-1])

    def test_walks_subfolders(self) -> None:
        loss, samples, _ = self.evaluate()
        self.assertEqual(samples, 4)
        self.assertAlmostEqual(loss, self.expected((0, 0, 0, 1)), 5)
        self.root.joinpath("dog/around").symlink_to(self.root / "dog", target_is_directory=True)
        self.assertEqual(self.evaluate()[1], 4)

    def test_says_what_it_leaves_out(self) -> None:
        (self.root / "cat" / "notes.txt").write_text("no picture")
        (self.root / "cat" / "more" / "clip.avi").write_bytes(b"RIFF1234AVI ")
        (self.root / "dog" / "clip.avi").write_bytes(b"RIFF1234AVI ")
        (self.root / "beside.png").write_bytes((self.root / "dog" / "a.png").read_bytes())
        (self.root / "cat" / ".DS_Store").write_bytes(b"hidden")
        _, samples, notes = self.evaluate()
        self.assertEqual(samples, 4)
        self.assertIn("4 pictures in 2 classes", notes)
        self.assertIn("3 files that are no pictures", notes)
        self.assertIn("2 .avi, 1 .txt", notes)
        self.assertIn("1 file beside the class folders", notes)

    def test_class_without_pictures(self) -> None:
        (self.root / "bird").mkdir()
        self.evaluate_refuses('class "bird"')
        (self.root / "bird" / "readme.txt").write_text("nothing here")
        self.evaluate_refuses('class "bird"')

    def evaluate_refuses(self, culprit: str, *options: object) -> None:
        model = self.model([3, 4, 4], 48)
        evaluate = ["evaluate", model, "--data", self.root, "--loss", "l1", *options]
        self.refuse(culprit, *evaluate)

    def test_damaged_pictures(self) -> None:
        """Every format cut short, or no picture at all, before the first step."""
        model = self.model([3, 4, 4], 48)
        before = self.evaluate()[:2]
        out = self.path("o.onnx")
        train = ["train", model, "--data", self.root, "--loss", "l1", "-o", out]
        image = Image.fromarray(self.rgb[:4, :4])
        files = {"empty.jpg": b"", "page.png": b"<html>not found</html>"}
        for kind in ("JPEG", "PNG", "BMP", "GIF", "PPM", "TIFF", "WEBP"):
            contents = self.written(image, kind)
            files[f"cut.{kind.lower()}"] = contents[: len(contents) * 3 // 4]
        exif = Image.Exif()
        exif[ORIENTATION] = 1
        thumbnail = self.written(image, "JPEG", exif=exif.tobytes() + b"\xff\xd8thumb\xff\xd9")
        files["thumbnail.jpg"] = thumbnail[:-2]
        for name, contents in files.items():
            path = self.root / "cat" / name
            path.write_bytes(contents)
            with self.subTest(name=name):
                self.refuse(name, *train)
                self.assertFalse(out.exists())
                loss, samples, notes = self.evaluate("--skip-damaged")
                self.assertEqual((loss, samples), before)
                self.assertIn("left out 1 damaged picture", notes)
                self.assertIn(name, notes)
            path.unlink()

    def test_counts_damaged_pictures(self) -> None:
        for i in range(5):
            (self.root / "cat" / f"{i}.png").write_bytes(b"\x89PNG\r\n\x1a\n")
        notes = self.evaluate("--skip-damaged")[2]
        self.assertIn("left out 5 damaged pictures", notes)
        self.assertIn("and 2 more", notes)

    def test_sizes_are_compared_before_the_first_step(self) -> None:
        Image.fromarray(self.rgb).save(self.root / "dog" / "z.png")
        model = self.model([3, "h", "w"], 48)
        out = ["--loss", "l1", "-o", self.path("o.onnx")]
        self.refuse("z.png", "train", model, "--data", self.root, "--batch-size", "1", *out)

    def test_one_picture_is_no_folder(self) -> None:
        model = self.model([3, 4, 4], 48)
        self.refuse("one picture", "evaluate", model, "--data", self.root / "dog" / "a.png")


if __name__ == "__main__":
    unittest.main()
