"""Links of Markdown files to others of the source tree, as the site has them.

Pages link as they lie in the tree, so that they can be followed there too. Here a file that has a
page becomes a link to that; any other becomes a link to a copy of the file; one that is not there
is a warning.
"""

import os
import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.typing import ExtensionMetadata

DOCS = Path(__file__).parents[1]
ROOT = DOCS.parent
# Pages that include a file from elsewhere in the tree.
PAGES = {
    "README.md": "index",
    "ARCHITECTURE.md": "how_it_works",
    "CONTRIBUTING.md": "contributing",
    "OPERATORS.md": "operators",
    "examples": "examples",
    "examples/README.md": "examples",
    "ops/README.md": "operator_howto",
    "plugin/include/strop/strop.h": "api/c",
    "plugin/monitor/README.md": "records",
}
LINK = re.compile(r"(?<!!)\[(?P<text>[^][]*)\]\((?P<target>[^)#\s]+)(?P<anchor>#[^)\s]*)?\)")
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.M | re.S)

logger = logging.getLogger(__name__)


def link_of(match: re.Match[str], folder: Path, page: str) -> str:
    target, anchor = match["target"], match["anchor"] or ""
    if re.match(r"[a-z]+:", target):
        return match[0]
    path = Path(os.path.normpath(ROOT / folder / target))
    name = path.relative_to(ROOT).as_posix()
    if name in PAGES:
        return f"[{match['text']}](/{PAGES[name]}.md{anchor})"
    if path.is_relative_to(DOCS) and path.suffix in (".md", ".ipynb") and path.is_file():
        return f"[{match['text']}](/{path.relative_to(DOCS)}{anchor})"
    if path.is_file():
        return f"{{download}}`{match['text']} <{os.path.relpath(path, (DOCS / page).parent)}>`"
    logger.warning("found a link to %s, expected a file of the tree", name, location=page)
    return match[0]


def rewrite(text: str, folder: Path, page: str) -> str:
    """Links outside of code, of a file in `folder` that `page` shows."""
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(match[0])
        return f"\0{len(kept) - 1}\0"

    # A link whose text is code stays a link.
    links = re.sub(r"\[`([^`\n]*)`\]\(", "[\1\\1\1](", text)
    links = CODE.sub(keep, links)
    links = LINK.sub(lambda match: link_of(match, folder, page), links)
    links = re.sub("\0(\\d+)\0", lambda match: kept[int(match[1])], links)
    return links.replace("\1", "`")


def on_source(app: Sphinx, docname: str, content: list[str]) -> None:
    path = Path(app.env.doc2path(docname))
    if path.suffix == ".md":
        content[0] = rewrite(content[0], path.parent.relative_to(ROOT), docname)


def on_include(app: Sphinx, relative: Path, docname: str, content: list[str]) -> None:
    path = Path(os.path.normpath(DOCS / relative))
    if path.suffix == ".md":
        content[0] = rewrite(content[0], path.parent.relative_to(ROOT), docname)


def setup(app: Sphinx) -> ExtensionMetadata:
    app.connect("source-read", on_source)
    app.connect("include-read", on_include)
    return {"version": "1", "parallel_read_safe": True}
