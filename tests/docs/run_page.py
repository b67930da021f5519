"""Runs the blocks of a page in their order, in a folder: python run_page.py PAGE FOLDER. Python
shares its names down the page. Says which block failed, and how what it printed differs.
"""

import contextlib
import doctest
import io
import os
import re
import subprocess
import sys
import traceback
from pathlib import Path

from blocks import Block, blocks_of

NUMBER = r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?"
# Of numbers on pages, which other processors round otherwise: what training makes of that.
RELATIVE, ABSOLUTE = 0.05, 0.02
TIMED = re.compile(rf"({NUMBER})(?= ?(?:ms|s|samples/s|MB)\b)")


def agree(expected: str, actual: str) -> bool:
    """Line by line: words are equal, numbers near; times are as they are; "…" is anything."""
    wanted = [line.rstrip() for line in expected.strip("\n").splitlines()]
    had = [line.rstrip() for line in actual.strip("\n").splitlines()]
    return _lines_agree(wanted, had)


def _lines_agree(wanted: list[str], had: list[str]) -> bool:
    if not wanted:
        return not had
    if wanted[0].strip() == "…":
        return any(_lines_agree(wanted[1:], had[i:]) for i in range(len(had) + 1))
    return bool(had) and _line_agrees(wanted[0], had[0]) and _lines_agree(wanted[1:], had[1:])


def _line_agrees(wanted: str, had: str) -> bool:
    pattern, numbers = "", []
    timed = {match.start() for match in TIMED.finditer(wanted)}
    at = 0
    for match in re.finditer(rf"{NUMBER}|…|\s+", wanted):
        pattern += re.escape(wanted[at : match.start()])
        at = match.end()
        if match[0].isspace():
            pattern += r"\s+"
        elif match[0] == "…":
            pattern += ".*"
        elif match.start() in timed:
            pattern += NUMBER
        else:
            pattern += f"({NUMBER})"
            numbers.append(float(match[0]))
    found = re.fullmatch(pattern + re.escape(wanted[at:]), had)
    if not found:
        return False
    pairs = zip(numbers, map(float, found.groups()), strict=True)
    return all(abs(a - b) <= max(ABSOLUTE, RELATIVE * abs(a)) for a, b in pairs)


def commands_of(block: Block) -> list[tuple[str, str]]:
    """Of a console: each command, and what the page says that it prints, or nothing."""
    found: list[tuple[str, str]] = []
    goes_on = False
    for line in block.text.splitlines():
        if line.startswith("$ ") or goes_on:
            command = line.removeprefix("$ ")
            if goes_on:
                command = found.pop()[0] + "\n" + command
            found.append((command, ""))
            goes_on = command.endswith("\\")
        elif found:
            found[-1] = (found[-1][0], found[-1][1] + line + "\n")
        else:
            raise AssertionError("a console begins with a command, behind $")
    return found


def shell(command: str) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        raise AssertionError(f"{command}\nended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def expect(printed: str | None, actual: str) -> None:
    if printed and not agree(printed, actual):
        raise AssertionError(f"the page says\n{printed}\nit printed\n{actual}")


def run(block: Block, page: str, names: dict[str, object]) -> None:
    if block.kind == "sh":
        expect(block.printed, shell(block.text))
    elif block.kind == "console":
        for command, printed in commands_of(block):
            expect(printed, shell(command))
    elif block.text.startswith(">>> "):
        example = doctest.DocTestParser().get_doctest(block.text, names, page, page, block.line)
        said = io.StringIO()
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
        if runner.run(example, out=said.write, clear_globs=False).failed:
            raise AssertionError(said.getvalue())
        names.update(example.globs)
    else:
        printed = io.StringIO()
        code = compile("\n" * (block.line - 1) + block.text, page, "exec")
        with contextlib.redirect_stdout(printed):
            exec(code, names)
        expect(block.printed, printed.getvalue())


def main() -> int:
    page, folder = Path(sys.argv[1]), Path(sys.argv[2])
    blocks = [block for block in blocks_of(page) if block.is_run]
    os.chdir(folder)
    names: dict[str, object] = {"__name__": "__main__"}
    if Path("before.py").exists():  # what a page takes for granted
        exec(Path("before.py").read_text(), names)
    for block in blocks:
        try:
            run(block, str(page), names)
        except BaseException as error:
            print(f"{page}:{block.line}: {block.title}")
            print(error if isinstance(error, AssertionError) else traceback.format_exc())
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
