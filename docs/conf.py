"""Sphinx's settings. `python -m sphinx -W --keep-going -b html docs docs/_build` builds the pages."""

import sys
from pathlib import Path

from sphinx.application import Sphinx

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]  # the program and our modules, also where the program is not installed

import pages  # noqa: E402

import suite  # noqa: E402

project = "Suite"
copyright = "2026, the Suite authors"
release = suite.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
source_suffix = {".md": "markdown", ".ipynb": "markdown"}  # `pages` turns a notebook into Markdown
exclude_patterns = ["_build"]
suppress_warnings = ["ref.python"]  # two of our classes have the same short name
myst_enable_extensions = ["html_image"]  # the README has <img> with widths
myst_heading_anchors = 3  # links to headings, as GitHub names them
smartquotes = False  # they make one dash of --limit
default_role = "code"  # our docstrings put names between single backticks
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
python_maximum_signature_line_length = 80

html_theme = "furo"
html_title = "Suite"
html_copy_source = False


def setup(app: Sphinx) -> None:
    """Complete each page when it is read, and read those again that can change while their own file does not."""
    app.connect("source-read", lambda app, page, text: pages.complete(Path(app.env.doc2path(page)), text))
    app.connect("env-get-outdated", lambda _app, env, *_: [one for one in env.found_docs if pages.is_completed(one)])
