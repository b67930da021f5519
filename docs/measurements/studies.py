"""`strop study`: its table and claims from its JSON, its curves from the page that it writes."""

import html
import json
import re
from typing import Any

from laboratory import Laboratory, rounded

STUDIES = (
    "activations",
    "losses",
    "optimizers",
    "learning-rate",
    "batch-size",
    "vanishing-gradients",
    "regularization",
)
SEEDS = 10
CHART = re.compile(
    r'<figure class="chart"><figcaption><h3>(.*?)</h3>(.*?)</figcaption>'
    r'.*?<script type="application/json">(.*?)</script>'
)


def measure(laboratory: Laboratory, name: str) -> dict[str, Any]:
    words = ("study", name, "--seeds", SEEDS)
    found = laboratory.json(*words, "-o", "page.html")
    page = (laboratory.folder / "page.html").read_text(encoding="utf-8")
    return {
        "about": laboratory.about(SEEDS, [" ".join(["strop", *map(str, words)])]),
        "setting": found["setting"],
        "table": {"header": found["header"], "rows": found["rows"]},
        "claims": found["claims"],
        "charts": [_chart(*match.groups()) for match in CHART.finditer(page)],
    }


def _text(markup: str) -> str:
    return html.unescape(re.sub("<.*?>", "", markup)).strip()


def _axis(axis: dict[str, Any]) -> dict[str, Any]:
    found = {"title": axis["title"]["text"], "log": axis.get("type") == "log"}
    if "range" in axis:  # of a logarithmic axis, in powers of ten
        low, high = axis["range"]
        found["range"] = [10**low, 10**high] if found["log"] else [low, high]
    return found


def _chart(title: str, caption: str, figure: str) -> dict[str, Any]:
    plot = json.loads(figure)
    data, layout = plot["data"], plot["layout"]
    chart: dict[str, Any] = {
        "name": re.sub(r"\W+", "-", _text(title).lower()).strip("-"),
        "title": _text(title),
        "caption": _text(caption),
        "x": _axis(layout["xaxis"]),
        "y": _axis(layout["yaxis"]),
    }
    if data[0]["type"] == "heatmap":
        [cells] = data
        values = [[None if z is None else 10**z for z in row] for row in cells["z"]]
        chart |= {"kind": "map", "columns": cells["x"], "rows": cells["y"], "values": values}
        return rounded(chart)
    chart["kind"] = "bars" if data[0]["type"] == "bar" else "lines"
    chart["series"] = []
    for each in data:
        series = {"name": each["name"], "x": each["x"], "y": each["y"]}
        if "error_y" in each:
            series["errors"] = each["error_y"]["array"]
        if each.get("line", {}).get("dash") not in (None, "solid"):
            series["dashed"] = True
        chart["series"].append(series)
    return rounded(chart)
