"""The blocks of code of a page, and what each is.

A fence's first word says what it is. `python`, `console` (commands behind "$ ", what they print
between them) and `sh` run, unless `no-run` stands beside it; `text` behind one of them is what it
printed; directives of the site, {…}, are no code. Blocks that are indented run where they begin
like a command of `strop`, like Python's prompt, or like Python that uses the package.
"""

import re
from dataclasses import dataclass
from pathlib import Path

RUNS = ("python", "console", "sh")


@dataclass
class Block:
    line: int  # of its first line in the page, from 1
    kind: str  # python, console, sh; text; anything else is not run
    text: str
    is_run: bool
    printed: str | None = None  # what the page says that it prints

    @property
    def title(self) -> str:
        return self.text.strip().splitlines()[0]


def kind_of_indented(text: str) -> str:
    if text.startswith(("strop ", "$ strop ")):
        return "console" if text.startswith("$") else "sh"
    if text.startswith(">>> ") or re.search(r"^(import|from) strop|\bstrop\.\w+\(", text, re.M):
        return "python"
    return "indented"


def fenced(info: str, line: int, text: str) -> Block | None:
    words = info.split()
    kind = words[0] if words else "unnamed"
    if kind.startswith("{"):
        return None
    return Block(line, kind, text, kind in RUNS and "no-run" not in words)


def blocks_of(page: Path) -> list[Block]:
    lines = page.read_text(encoding="utf-8").splitlines()
    found: list[Block] = []
    at = 0
    behind = False  # nothing but blank lines since the last block
    while at < len(lines):
        fence = re.match(r"(```+|:::+)(.*)$", lines[at])
        if fence:
            end = at + 1
            while end < len(lines) and not lines[end].startswith(fence[1]):
                end += 1
            block = fenced(fence[2].strip(), at + 2, "\n".join(lines[at + 1 : end]) + "\n")
            if block and block.kind == "text" and behind and found and found[-1].is_run:
                found[-1].printed = block.text
            elif block:
                found.append(block)
                behind = True
            at = end + 1
        elif lines[at].startswith("    ") and (at == 0 or not lines[at - 1].strip()):
            end = at
            while end < len(lines) and (not lines[end].strip() or lines[end].startswith("    ")):
                if not lines[end].strip() and lines[end + 1 : end + 2] and ">>> " in lines[end + 1]:
                    break
                end += 1
            text = "\n".join(line[4:] for line in lines[at:end]).rstrip() + "\n"
            kind = kind_of_indented(text)
            if not _is_of_list(lines, at):
                found.append(Block(at + 1, kind, text, kind in RUNS))
                behind = True
            at = end
        else:
            behind = behind and not lines[at].strip()
            at += 1
    return found


def _is_of_list(lines: list[str], at: int) -> bool:
    """Whether indented lines go on with an item of a list."""
    while at > 0:
        at -= 1
        if lines[at].strip() and not lines[at].startswith(" "):
            return re.match(r"([-*]|\d+\.) ", lines[at]) is not None
    return False
