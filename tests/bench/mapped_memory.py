"""Memory of a training in Python on a memory-mapped .npy of 4 GB, beside one on arrays of 4 MB.

PYTHONPATH=build/release/python python tests/bench/mapped_memory.py [--gigabytes 4]

Each in a process of its own; the peak is VmHWM of /proc/self/status, which counts mapped files.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

FEATURES = 1024
CHILD = """
import sys, time
import numpy as np
import strop

model = strop.load(sys.argv[1])
x, y = (np.load(path, mmap_mode=sys.argv[4] or None) for path in sys.argv[2:4])
begin = time.monotonic()
history = strop.Trainer(model, batch_size=256, optimizer="sgd").fit(x, y)
seconds = time.monotonic() - begin
with open("/proc/self/status") as status:
    [peak] = [line.split()[1] for line in status if line.startswith("VmHWM")]
print(peak, history.history["loss"][0], seconds)
"""


def write_samples(folder: pathlib.Path, count: int) -> None:
    random = np.random.default_rng(0)
    shape = (count, FEATURES)
    x = np.lib.format.open_memmap(folder / "x.npy", mode="w+", dtype=np.float32, shape=shape)
    y = np.empty(count, np.int64)
    for start in range(0, count, 1 << 16):
        rows = random.normal(size=(min(1 << 16, count - start), FEATURES)).astype(np.float32)
        x[start : start + len(rows)] = rows
        y[start : start + len(rows)] = rows[:, :10].argmax(axis=1)
    x.flush()
    np.save(folder / "y.npy", y)


def measure(folder: pathlib.Path, model: pathlib.Path, mode: str) -> float:
    """Peak memory in MB."""
    command = [sys.executable, "-c", CHILD, model, folder / "x.npy", folder / "y.npy", mode]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    peak, loss, seconds = map(float, done.stdout.split())
    size = (folder / "x.npy").stat().st_size / 1e6
    print(f"{size:8.0f} MB of samples: peak {peak / 1e3:7.0f} MB, loss {loss:.4f}, {seconds:.1f} s")
    return peak / 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gigabytes", type=float, default=4)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="strop-bench-") as name:
        folder = pathlib.Path(name)
        model = folder / "mlp.onnx"
        import strop

        size = {"input": FEATURES, "classes": 10, "width": 512}
        strop.perform("new", ARCHITECTURE="mlp", output=model, **size)
        peaks = []
        for part, mode in (("small", ""), ("large", "r")):
            (folder / part).mkdir()
            bytes_wanted = arguments.gigabytes * 1e9 if mode else 4e6
            write_samples(folder / part, int(bytes_wanted / 4 / FEATURES))
            peaks.append(measure(folder / part, model, mode))
        print(f"memory-mapped: {peaks[1] - peaks[0]:.0f} MB more, {time.strftime('%Y-%m-%d')}")


if __name__ == "__main__":
    main()
