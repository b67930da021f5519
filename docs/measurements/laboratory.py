"""What the measurements share: the program, the digits, and how numbers are kept."""

import datetime
import gzip
import json
import math
import os
import platform
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

MEASUREMENTS = Path(__file__).parent
DIGITS = MEASUREMENTS.parents[1] / "models/data/digits.csv.gz"
SCALING = ("--std", "16")  # pixels from 0 to 1


class Laboratory:
    """Runs `strop` in a folder, and keeps what was typed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.commands: list[str] = []
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "digits.csv").write_bytes(gzip.decompress(DIGITS.read_bytes()))

    def run(self, *arguments: object) -> str:
        """Standard output."""
        words = ["strop", *map(str, arguments)]
        self.commands.append(" ".join(words))
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            words, cwd=self.folder, env=environment, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise SystemExit(f"{self.commands[-1]}\n{done.stderr}")
        return done.stdout

    def json(self, *arguments: object) -> Any:
        return json.loads(self.run(*arguments, "--json"))

    def about(self, seeds: int, shown: Sequence[str] = ()) -> dict[str, object]:
        """Where the numbers come from. `shown`: commands in place of all that were run."""
        return {
            "commands": list(shown or self.commands),
            "seeds": seeds,
            "strop": subprocess.check_output(["strop", "--version"], text=True).split()[-1],
            "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
            "processor": _processor(),
            "threads": 1,
        }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def rounded(value: Any, digits: int = 4) -> Any:
    """Numbers to as many significant digits; null for what JSON has no word for."""
    if isinstance(value, dict):
        return {key: rounded(each, digits) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(each, digits) for each in value]
    if isinstance(value, float):
        return float(f"{value:.{digits}g}") if math.isfinite(value) else None
    return value


def lines(name: str, title: str, x: dict, y: dict, series: list[dict]) -> dict[str, Any]:
    """A chart of curves. Axes are {"title": …, "log": …}, series {"name": …, "x": …, "y": …}."""
    chart = {"name": name, "kind": "lines", "title": title, "x": x, "y": y, "series": series}
    return rounded(chart)


def save(name: str, measured: dict[str, Any]) -> None:
    text = json.dumps(measured, ensure_ascii=False, indent=1)
    text = re.sub(r"\[\s+[^][{}]*?\s+\]", _one_line, text)
    (MEASUREMENTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    print(name)


def _one_line(items: re.Match[str]) -> str:
    return re.sub(r"\s*\n\s*", " ", items[0]).replace("[ ", "[").replace(" ]", "]")
