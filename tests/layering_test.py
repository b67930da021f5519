"""Fails on an #include that goes against the table of ARCHITECTURE.md.

python tests/layering_test.py
"""

import re
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
ROW = re.compile(r"^\| `(\w+)/` \|.*\| (.+) \|$", re.MULTILINE)
# Inside plugin/: the engine knows nothing of the driver, the driver nothing of what is on top.
PLUGIN_ORDER = [
    {"engine"},
    {"training", "data", "monitor", "report", "tune"},
    {"options", "study"},
    {"session"},
    {"operations"},
    {"cli", "c", "python"},
]


def allowed_folders(page: str) -> dict[str, set[str]]:
    """What each folder of the table may include, itself always."""
    allowed: dict[str, set[str]] = {}
    for folder, words in ROW.findall(page):
        if words in ("all above", "all"):
            allowed[folder] = {folder, *allowed}
        else:
            allowed[folder] = {folder, *re.findall(r"`(\w+)/`", words)}
    return allowed


def plugin_rank(path: str) -> int | None:
    parts = path.split("/")
    if parts[0] != "plugin" or len(parts) < 3:
        return None
    ranks = [rank for rank, folders in enumerate(PLUGIN_ORDER) if parts[1] in folders]
    return ranks[0] if ranks else None


def wrong_arrows(root: Path, allowed: dict[str, set[str]]) -> list[str]:
    found = []
    for folder, targets in allowed.items():
        for path in sorted([*root.glob(f"{folder}/**/*.h"), *root.glob(f"{folder}/**/*.cc")]):
            name = path.relative_to(root).as_posix()
            for target in INCLUDE.findall(path.read_text(encoding="utf-8")):
                top = target.split("/")[0]
                if top in allowed and top not in targets:
                    found.append(f"{name} includes {target}: {folder}/ may not see {top}/")
                source_rank, target_rank = plugin_rank(name), plugin_rank(target)
                if None not in (source_rank, target_rank) and source_rank < target_rank:
                    found.append(f"{name} includes {target}: the arrow points the other way")
                if top == "models" and source_rank in (0, 1):
                    found.append(f"{name} includes {target}: only what is on top makes networks")
                if folder == "plugin" and target.startswith("plugin/") and target_rank is None:
                    found.append(f"{name} includes {target}: that folder has no place in plugin/")
    return found


def self_test(allowed: dict[str, set[str]]) -> None:
    """The test has to be able to fail."""
    wrong = {
        "graph/a.h": "ops/core/registry.h",
        "ops/a.cc": "importer/importer.h",
        "plugin/engine/a.cc": "plugin/training/graph/loss.h",
        "plugin/data/a.cc": "plugin/cli/command.h",
        "plugin/options/a.cc": "plugin/session/kept_run.h",
        "plugin/session/a.cc": "plugin/operations/operation.h",
        "plugin/operations/a.cc": "plugin/cli/command.h",
        "plugin/cli/a.cc": "plugin/unknown/command.h",
        "models/builder/a.cc": "importer/importer.h",
        "plugin/training/a.cc": "models/builder/layers.h",
    }
    right = {
        "ops/b.cc": "graph/graph.h",
        "plugin/cli/b.cc": "plugin/engine/plan/schedule.h",
        "plugin/cli/c.cc": "models/builder/layers.h",
    }
    with tempfile.TemporaryDirectory() as folder:
        for name, target in (wrong | right).items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f'#include "{target}"\n')
        found = wrong_arrows(Path(folder), allowed)
    assert {line.split()[0] for line in found} == set(wrong), found


def main() -> None:
    allowed = allowed_folders((ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8"))
    assert {"graph", "ops", "importer", "plugin"} <= set(allowed), "the table has changed its form"
    self_test(allowed)
    found = wrong_arrows(ROOT, allowed)
    print("\n".join(found) or "every include follows the table")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
