"""Tables of options and operators, and others whose last column is prose, become blocks on a
telephone: static/strop.css. Here they get their class, and each cell the name of its column."""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata
from sphinx.writers.html5 import HTML5Translator

LONG = 40  # letters of a cell that no column of a telephone's width holds


def mark(app: Sphinx, document: nodes.document, docname: str) -> None:
    for table in document.findall(nodes.table):
        rows = list(table.findall(nodes.row))
        names = [entry.astext() for entry in rows[0].findall(nodes.entry)]
        last = [row.children[-1].astext() for row in rows[1:] if row.children]
        if len(names) < 3 or max(map(len, last), default=0) < LONG:
            continue
        table["classes"].append("wide")
        for row in rows[1:]:
            for name, entry in zip(names, row.findall(nodes.entry), strict=False):
                entry["label"] = name
                if not entry.astext():
                    entry["classes"].append("nothing")


class Translator(HTML5Translator):
    def visit_entry(self, node: nodes.Element) -> None:
        super().visit_entry(node)
        if "label" in node:
            self.body[-1] = self.body[-1].replace("<td", f'<td data-label="{node["label"]}"', 1)


def setup(app: Sphinx) -> ExtensionMetadata:
    app.connect("doctree-resolved", mark)
    app.set_translator("html", Translator)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
