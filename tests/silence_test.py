"""Fails where what a library stands on would print, or ask for a terminal: a Listener is told.

python tests/silence_test.py
"""

import re
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("plugin/operations", "plugin/session", "plugin/options")
PRINTING = re.compile(
    r"\bv?f?printf\(|\bf?puts\(|\bfwrite\(|\bstd::c(out|err)\b|\bstd(out|err)\b|\bisatty\("
)
TEXT = re.compile(r'"(\\.|[^"\\])*"')
# Before the program ends by a bug of its own.
LAST_WORDS = re.compile(r'std::fprintf\(stderr, "strop: internal: ')


def what_prints(root: Path) -> list[str]:
    found = []
    for folder in FOLDERS:
        for path in sorted([*root.glob(f"{folder}/**/*.h"), *root.glob(f"{folder}/**/*.cc")]):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                code = TEXT.sub('""', line).split("//")[0]
                if PRINTING.search(code) and not LAST_WORDS.search(line):
                    name = path.relative_to(root).as_posix()
                    found.append(f"{name}:{number} prints: {line.strip()}; tell the listener")
    return found


def self_test() -> None:
    """The test has to be able to fail."""
    wrong = ("std::printf(a);", "fprintf(stderr, a);", "std::cout << a;", "if (isatty(2)) {}")
    right = ("// std::cerr", 'Help("to stdout");', 'std::snprintf(a, 8, "%d", 1);', "note(a);")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "plugin/session/a.cc")
        path.parent.mkdir(parents=True)
        path.write_text("\n".join(wrong + right))
        assert len(what_prints(Path(folder))) == len(wrong), what_prints(Path(folder))


def main() -> None:
    self_test()
    found = what_prints(ROOT)
    print("\n".join(found) or "nothing beneath the command line prints")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
