"""Arrays in files: what is damaged or says more than it holds is refused, and read no further."""

import gzip
import io
import os
import pathlib
import shutil
import struct
import subprocess
import unittest
import zipfile

import numpy as np
from program import PROGRAM, ProgramTest, linear_model, run

BAD_DATA = 65


def npy(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def idx(array: np.ndarray) -> bytes:
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return head + array.astype(np.uint8).tobytes()


class ArchivesTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.model = self.save(linear_model())
        self.data = self.samples()

    def archive(self, members: list[tuple[str, bytes]], **options: object) -> pathlib.Path:
        path = self.path("data.npz")
        with zipfile.ZipFile(path, "w", **options) as archive:
            for name, contents in members:
                archive.writestr(name, contents)
        return path

    def evaluate(self, data: object) -> list[object]:
        return ["evaluate", self.model, "--data", data]

    def refuse(self, culprit: str, data: object) -> None:
        done = run(*self.evaluate(data))
        self.assertEqual(done.returncode, BAD_DATA, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertIn(culprit, done.stderr)

    def peak_megabytes(self, data: object, code: int = BAD_DATA) -> float:
        command = [PROGRAM, *map(str, self.evaluate(data))]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, code)
        return usage.ru_maxrss / 1024

    def test_checksum(self) -> None:
        for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            members = [(f"{name}.npy", npy(array)) for name, array in self.data.items()]
            path = self.archive(members, compression=compression)
            contents = bytearray(path.read_bytes())
            with zipfile.ZipFile(path) as archive:
                checksum = struct.pack("<I", archive.getinfo("x.npy").CRC)
            at = contents.find(checksum)
            while at >= 0:  # in front of the member, and in the directory
                contents[at] ^= 1
                at = contents.find(checksum)
            path.write_bytes(contents)
            with self.assertRaises(zipfile.BadZipFile):
                np.load(path)["x"]
            self.refuse("CRC", path)

    def test_number_that_changed(self) -> None:
        path = self.archive([(f"{name}.npy", npy(array)) for name, array in self.data.items()])
        contents = path.read_bytes()
        number = self.data["x"][5].tobytes()
        path.write_bytes(contents.replace(number, number[:-1] + bytes([number[-1] ^ 1])))
        with self.assertRaises(zipfile.BadZipFile):
            np.load(path)["x"]
        self.refuse("CRC", path)

    def test_member_larger_than_its_header_says(self) -> None:
        path = self.path("data.npz")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            with archive.open("x.npy", "w") as member:
                member.write(npy(self.data["x"]))
                self.write_zeros(member)
            archive.writestr("target.npy", npy(self.data["target"]))
        self.refuse("as its header says", path)
        self.assert_takes_no_more_memory(path)

    def test_compressed_idx_larger_than_its_header_says(self) -> None:
        path = self.path("x.gz")
        with gzip.open(path, "wb", compresslevel=1) as member:
            member.write(idx(np.zeros((12, 4))))
            self.write_zeros(member)
        self.refuse("more than 48 bytes", path)
        self.assert_takes_no_more_memory(path)

    def assert_takes_no_more_memory(self, path: pathlib.Path) -> None:
        whole = self.peak_megabytes(self.save_data("whole.npz", **self.data), code=0)
        self.assertLess(self.peak_megabytes(path), whole + 100)

    def write_zeros(self, out: io.BufferedIOBase) -> None:
        """256 MiB, in pieces: the memory of this process would count as that of its child."""
        for _ in range(256):
            out.write(bytes(1 << 20))

    def test_member_smaller_than_its_header_says(self) -> None:
        shortened = npy(self.data["x"])[:-8]
        self.refuse("as its header says", self.archive([("x.npy", shortened)]))
        header = npy(np.zeros(1))[:-8].replace(b"(1,), }", b"(1099511627776,), }")
        header = header[: header.rindex(b"}") + 1].ljust(127) + b"\n"
        self.refuse("as its header says", self.archive([("x.npy", header)]))

    def test_cut_short(self) -> None:
        path = self.save_data(**self.data)
        contents = path.read_bytes()
        for length in (len(contents) - 1, len(contents) // 2, 40, 3):
            path.write_bytes(contents[:length])
            with self.assertRaises((zipfile.BadZipFile, ValueError, EOFError)):
                np.load(path)
            self.refuse("data.npz", path)
        packed = gzip.compress(idx(np.zeros((12, 4))))
        for length in (len(packed) - 1, len(packed) // 2, 12):
            self.path("x.gz").write_bytes(packed[:length])
            self.refuse("x.gz", self.path("x.gz"))
        damaged = packed[:-8] + bytes([packed[-8] ^ 1]) + packed[-7:]
        self.path("x.gz").write_bytes(damaged)
        self.refuse("x.gz", self.path("x.gz"))

    def test_two_members_of_one_name(self) -> None:
        x, target = npy(self.data["x"]), npy(self.data["target"])
        for first, second in (("x.npy", "x.npy"), ("x", "x.npy")):
            members = [(first, x), (second, x), ("target.npy", target)]
            with self.subTest(first=first):
                self.refuse('two arrays "x"', self.archive(members))

    def test_what_holds_no_numbers(self) -> None:
        objects = io.BytesIO()
        np.save(objects, np.array([{"a": 1}]), allow_pickle=True)
        self.refuse("|O", self.archive([("x.npy", objects.getvalue())]))
        self.refuse("no NumPy array", self.archive([("readme.txt", b"hello")]))
        path = self.archive([("x.npy", npy(self.data["x"]))])
        contents = bytearray(path.read_bytes())
        for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            contents[contents.index(signature) + flags] |= 1  # encrypted
        path.write_bytes(contents)
        self.refuse("password", path)
        empty = {"x": np.zeros((0, 4), np.float32), "target": np.zeros(0, np.int64)}
        self.refuse("no sample", self.save_data(**empty))

    def test_large_archives_format(self) -> None:
        path = self.path("data.npz")
        with zipfile.ZipFile(path, "w") as archive:
            for name, array in self.data.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    member.write(npy(array))
        plain = self.run_well(*self.evaluate(self.save_data("plain.npz", **self.data))).stdout
        self.assertEqual(self.run_well(*self.evaluate(path)).stdout, plain)


class KindTest(ProgramTest):
    """The bytes say what a file is, the name does not."""

    def test_any_name(self) -> None:
        model = self.save(linear_model())
        samples = self.samples()
        self.path("idx").mkdir()
        pixels = np.random.default_rng(3).integers(0, 256, (12, 4), dtype=np.uint8)
        labels = samples["target"].astype(np.uint8)
        rows = zip(samples["x"].tolist(), samples["target"].tolist(), strict=True)
        table = "a,b,c,d,target\n" + "".join(f"{','.join(map(repr, x))},{y}\n" for x, y in rows)
        self.path("idx/table.csv").write_text(table)
        self.path("idx/table.dat").write_text(table)
        np.savez(self.path("idx/arrays.npz"), **samples)
        shutil.copy(self.path("idx/arrays.npz"), self.path("idx/arrays.data"))
        np.save(self.path("x_idx.npy"), samples["x"])
        np.save(self.path("y_idx.npy"), samples["target"])
        self.path("y,idx.bin").write_bytes(idx(labels))
        self.path("pixels").write_bytes(idx(pixels))
        self.path("labels").write_bytes(gzip.compress(idx(labels)))
        np.save(self.path("pixels.npy"), pixels)

        def loss(data: object) -> str:
            return self.run_well("evaluate", model, "--data", data).stdout

        expected = loss(self.path("idx/arrays.npz"))
        for name in ("idx/table.csv", "idx/table.dat", "idx/arrays.data"):
            self.assertEqual(loss(self.path(name)), expected, name)
        both = f"{self.path('x_idx.npy')},{self.path('y_idx.npy')}"
        self.assertEqual(loss(both), expected)
        mixed = f"{self.path('x_idx.npy')},{self.path('labels')}"
        self.assertEqual(loss(mixed), expected)
        first = loss(f"{self.path('pixels')},{self.path('labels')}")
        self.assertEqual(loss(f"{self.path('pixels.npy')},{self.path('labels')}"), first)

    def test_what_is_nothing_known(self) -> None:
        model = self.save(linear_model())
        for name, contents, culprit in (
            ("data.npz", b"this is no archive", "no zip archive"),
            ("data.npy", b"this is no array", "no NumPy array"),
            ("data.gz", b"this is no array", "no IDX array"),
            ("data.csv", b"\x00\x01\x02\x03", "unknown kind of data"),
            ("data.csv", b"", "empty"),
        ):
            self.path(name).write_bytes(contents)
            done = run("evaluate", model, "--data", self.path(name))
            self.assertEqual(done.returncode, BAD_DATA, done.stderr)
            self.assertIn(culprit, done.stderr)
        os.mkfifo(self.path("pipe"))
        done = run("evaluate", model, "--data", self.path("pipe"), timeout=10)
        self.assertEqual(done.returncode, BAD_DATA, done.stderr)
        done = run("evaluate", model, "--data", self.path("nowhere"))
        self.assertEqual(done.returncode, 66, done.stderr)


if __name__ == "__main__":
    unittest.main()
