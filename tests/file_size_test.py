"""Fails on a source file of more than 400 lines and on a folder of more than 40 files.

python tests/file_size_test.py
"""

import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[1]
MOST_LINES = 400
MOST_FILES = 40
SOURCES = {".cc", ".h", ".hpp", ".c", ".cpp", ".py", ".sh", ".cmake", ".js", ".css"}
# Data, one file a case.
DATA = ("tests/parity/models", "tests/parity/goldens", "tests/parity/data", "tests/goldens")


def is_source(path: PurePosixPath, root: Path) -> bool:
    if path.suffix in SOURCES or path.name == "CMakeLists.txt":
        return True
    return path.parts[0] == "scripts" and (root / path).read_bytes().startswith(b"#!")


def what_is_too_large(root: Path, names: list[str]) -> list[str]:
    found = []
    for name in names:
        path = root / name
        if path.is_file() and is_source(PurePosixPath(name), root):
            lines = path.read_bytes().count(b"\n")
            if lines > MOST_LINES:
                found.append(f"{name} has {lines} lines, expected {MOST_LINES} at most: split it")
    folders = Counter(str(PurePosixPath(name).parent) for name in names)
    for folder, files in sorted(folders.items()):
        if files > MOST_FILES and not folder.startswith(DATA):
            found.append(f"{folder}/ has {files} files, expected {MOST_FILES} at most: make rooms")
    return found


def self_test() -> None:
    """The test has to be able to fail."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        files = {"ops/long.cc": MOST_LINES + 1, "ops/full.h": MOST_LINES, "scripts/run": 500}
        files |= {f"crowd/{i}.cc": 1 for i in range(MOST_FILES + 1)}
        files |= {f"pair/{i}.cc": 1 for i in range(MOST_FILES)}
        for name, lines in files.items():
            path = root / name
            path.parent.mkdir(exist_ok=True)
            path.write_text("#!/bin/sh\n" + "\n" * (lines - 1))
        found = what_is_too_large(root, list(files))
    assert [line.split()[0] for line in found] == ["ops/long.cc", "scripts/run", "crowd/"], found


def main() -> None:
    self_test()
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found = what_is_too_large(ROOT, [name for name in listed.stdout.split("\0") if name])
    print("\n".join(found) or "every file and folder is of a size to read")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
