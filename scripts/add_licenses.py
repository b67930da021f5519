"""Puts the licences of the libraries inside a wheel beside its own.

python scripts/add_licenses.py WHEEL FOLDER
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def packages_of(information: Path) -> list[str]:
    """The Debian packages whose libraries auditwheel took in, as its list of them says."""
    names = set()
    for path in (information / "sboms").glob("*.json"):
        components = json.loads(path.read_text(encoding="utf-8"))["components"]
        names |= {each["name"] for each in components if each["purl"].startswith("pkg:deb/")}
    return sorted(names)


def add_licenses(wheel: Path, folder: Path) -> Path:
    with tempfile.TemporaryDirectory() as work:
        tool = (sys.executable, "-m", "wheel")
        subprocess.run([*tool, "unpack", wheel, "--dest", work], check=True, capture_output=True)
        [unpacked] = Path(work).iterdir()
        [information] = unpacked.glob("*.dist-info")
        licenses = information / "licenses"
        shutil.copy(ROOT / "cmake/copyright", licenses / "copyright")  # of what is compiled in
        packages = packages_of(information)
        if not packages:
            raise SystemExit("add_licenses: the wheel lists no libraries, expected some")
        for package in packages:
            target = licenses / "libraries" / package
            target.mkdir(parents=True)
            shutil.copy(Path("/usr/share/doc") / package / "copyright", target / "copyright")
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [*tool, "pack", unpacked, "--dest-dir", folder], check=True, capture_output=True
        )
    return folder / wheel.name


if __name__ == "__main__":
    print(add_licenses(Path(sys.argv[1]), Path(sys.argv[2])))
