"""Docstrings are plain text: paragraphs, `code`, and lines "name: what it is" with hanging indents.
Here they become what Sphinx reads. The list of options that some have stands on a page of its own.
"""

import re
import textwrap
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

ENTRY = re.compile(r"[\w, ]+: ")


def escaped(text: str) -> str:
    """Backticks are code, nothing else is markup."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # one is not closed
        return re.sub(r"([*_|\\`])", r"\\\1", text)
    for i, part in enumerate(parts):
        parts[i] = f"``{part}``" if i % 2 else re.sub(r"([*_|\\])", r"\\\1", part)
    return "".join(parts)


def entries(lines: list[str]) -> list[str]:
    """Lines and what hangs on them, one string an entry."""
    found: list[str] = []
    for line in lines:
        if line.startswith(" ") and found:
            found[-1] += " " + line.strip()
        else:
            found.append(line)
    return found


def marked_up(block: str) -> list[str]:
    lines = textwrap.dedent(block).splitlines()
    if lines[0].startswith(">>>"):
        return [*lines, ""]
    found = entries(lines)
    if len(found) > 1 and all(ENTRY.match(entry) for entry in found):
        return [f"* {escaped(entry)}" for entry in found] + [""]
    return [escaped(" ".join(line.strip() for line in lines)), ""]


def process(app: Sphinx, what: str, name: str, obj: object, options: Any, lines: list[str]) -> None:
    text = "\n".join(lines)
    text, has_options, _ = text.partition("\nOptions:\n")
    blocks = [block for block in re.split(r"\n[ \t]*\n", text.strip("\n")) if block.strip()]
    found = [line for block in blocks for line in marked_up(block)]
    if has_options:
        found += ["Options: those of the command line, with underscores.", ""]
    lines[:] = found


def setup(app: Sphinx) -> ExtensionMetadata:
    app.connect("autodoc-process-docstring", process)
    return {"version": "1", "parallel_read_safe": True}
