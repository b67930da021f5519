"""How Sphinx makes the site: scripts/docs builds it."""

import re
import sys
from pathlib import Path

DOCS = Path(__file__).parent
ROOT = DOCS.parent
sys.path.insert(0, str(DOCS / "extensions"))

project = "Strop"
author = "Strop's authors"
[release] = re.findall(r"project\(strop VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text())
version = release

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
    "mathml",
    "measured",
    "narrow_tables",
    "plain_docstrings",
    "tree_links",
]
exclude_patterns = ["requirements.txt"]
suppress_warnings = ["misc.highlighting_failure"]  # "…" stands for what a reader has
nitpicky = True
nitpick_ignore_regex = [
    # Types of other libraries and of the standard one, whose pages are elsewhere.
    ("py:.*", r"(?!strop).*"),
    # What annotations name and no page describes: aliases of types, and strop's own inner modules.
    ("py:.*", r"strop\.(arrays|data|host_loss|options|option_types|processing)\..*"),
    ("py:.*", r"strop\.sklearn\.(base|_.*|estimators)\..*"),
]
html_show_copyright = False
html_math_renderer = "mathml"
highlight_language = "text"

myst_enable_extensions = ["colon_fence", "dollarmath", "deflist", "substitution"]
myst_heading_anchors = 4
myst_links_external_new_tab = False

# Notebooks are stored without outputs; what they show is what this build computed.
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True
nb_ipywidgets_js = {}  # would come from the network

autodoc_mock_imports = ["soundfile", "soxr", "tokenizers"]  # which pages need no more than to name
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True

copybutton_prompt_text = r"\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = True
copybutton_remove_prompts = True

smartquotes = False  # "--" is an option's
pygments_dark_style = "github-dark"

html_theme = "furo"
html_title = f"Strop {release}"
html_static_path = ["static"]
html_css_files = ["strop.css"]
html_js_files = []
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True}
