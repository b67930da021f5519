"""What docs/measurements/ holds, on pages: numbers in the text, figures, tables, textbooks' claims.

{{ optimizers.adam['best rate'] }}      a cell: by measurement, row and column

```{measured} optimizers chart accuracy-by-rate
What the figure shows.
```
```{measured} optimizers table
```
```{measured} optimizers claims
```
```{measured} optimizers setting
```
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

MEASUREMENTS = Path(__file__).parents[1] / "measurements"
VERDICTS = {True: "agrees", False: "differs", None: "undecided"}


def measurement(name: str) -> dict[str, Any]:
    return json.loads((MEASUREMENTS / f"{name}.json").read_text(encoding="utf-8"))


def cells(measured: dict[str, Any]) -> dict[str, Any]:
    """Rows by their first word, or by the first two where several have the first."""
    found = {key: value for key, value in measured.items() if key not in ("table", "charts")}
    if "table" in measured:
        header, rows = measured["table"]["header"], measured["table"]["rows"]
        uses = Counter(row[0] for row in rows)
        for row in rows:
            key = row[0] if uses[row[0]] == 1 else f"{row[0]}: {row[1]}"
            found[key] = dict(zip(header, row, strict=True))
    return found


class Measured(SphinxDirective):
    required_arguments = 2
    optional_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        name, what = self.arguments[:2]
        self.env.note_dependency(MEASUREMENTS / f"{name}.json")
        measured = measurement(name)
        make = {
            "setting": self.setting,
            "table": self.table,
            "claims": self.claims,
            "chart": self.chart,
        }
        return make[what](name, measured)

    def setting(self, name: str, measured: dict[str, Any]) -> list[nodes.Node]:
        about = measured["about"]
        paragraph = nodes.paragraph(classes=["setting"])
        when = f"Strop {about['strop']}, {about['date']}, {about['processor']}, one thread"
        paragraph += nodes.Text(f"Measured on {measured['setting']} ({when}), by")
        commands = "\n".join(about["commands"])
        return [paragraph, nodes.literal_block(commands, commands, language="text")]

    def table(self, name: str, measured: dict[str, Any]) -> list[nodes.Node]:
        header, rows = measured["table"]["header"], measured["table"]["rows"]
        group = nodes.tgroup(cols=len(header))
        group += [nodes.colspec(colwidth=1) for _ in header]
        head, body = nodes.thead(), nodes.tbody()
        for part, lines in ((head, [header]), (body, rows)):
            for line in lines:
                row = nodes.row()
                for cell in line:
                    row += nodes.entry("", nodes.paragraph("", cell))
                part += row
        group += [head, body]
        return [nodes.table("", group, classes=["measured"])]

    def claims(self, name: str, measured: dict[str, Any]) -> list[nodes.Node]:
        items = nodes.bullet_list(classes=["claims"])
        for claim in measured["claims"]:
            verdict = VERDICTS[claim["agrees"]]
            textbook = nodes.paragraph()
            textbook += nodes.inline("", verdict, classes=["verdict", verdict])
            textbook += [nodes.Text(" "), nodes.strong("", claim["textbook"])]
            textbook += nodes.Text(f" ({claim['source']})")
            measured_words = claim["measured"]
            words = nodes.paragraph("", measured_words[0].upper() + measured_words[1:])
            items += nodes.list_item("", textbook, words)
        return [items]

    def chart(self, name: str, measured: dict[str, Any]) -> list[nodes.Node]:
        [chart] = [each for each in measured["charts"] if each["name"] == self.arguments[2]]
        svg = (MEASUREMENTS / "figures" / f"{name}.{chart['name']}.svg").read_text(encoding="utf-8")
        label = f'<svg role="img" aria-label="{chart["title"]}"'
        figure = nodes.figure(classes=["measured"])
        figure += nodes.raw("", svg.replace("<svg", label, 1), format="html")
        caption = nodes.caption("", "", nodes.strong("", chart["title"] + ". "))
        content, _ = self.parse_inline(" ".join(self.content) or chart.get("caption", ""))
        caption += content
        figure += caption
        return [figure]


def add_substitutions(app: Sphinx, config: Config) -> None:
    for path in MEASUREMENTS.glob("*.json"):
        config.myst_substitutions[path.stem.replace("-", "_")] = cells(measurement(path.stem))


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_directive("measured", Measured)
    app.connect("config-inited", add_substitutions, priority=100)  # before MyST reads them
    return {"version": "1", "parallel_read_safe": True}
