"""Sphinx's settings of the web edition; `site` runs it with these."""

import tomllib
from pathlib import Path

from binder.links import doors

HERE = Path(__file__).resolve().parent
PROJECT = tomllib.loads((HERE.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REPOSITORY = PROJECT.get("urls", {}).get("Repository", "")

project = "Why do deep networks stop learning?"
author = copyright = "The authors of the course"
html_title = project
version = release = PROJECT["version"]

extensions = ["myst_nb", "teaching.web.mathml"]
html_math_renderer = "mathml"
nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath"]
suppress_warnings = ["myst.header", "epub.unknown_project_files"]

epub_basename, BOOK = "course", "course.epub"
epub_tocscope = "includehidden"
epub_show_urls = "no"
epub_exclude_files = ["_static/favicon.svg"]

html_theme = "sphinx_book_theme"
html_static_path = [str(HERE / "static")]
html_css_files, html_js_files = ["course.css"], [("course.js", {"defer": "defer"})]
html_favicon = str(HERE / "static" / "favicon.svg")
html_context = {"default_mode": "auto"}  # light or dark, as the system has it
html_use_index = False
html_copy_source = html_show_sourcelink = False
html_show_sphinx = False
html_last_updated_fmt = None
html_theme_options = {
    "use_download_button": False,
    "use_fullscreen_button": False,
    "back_to_top_button": False,  # on a phone it would lie over the text
    "home_page_in_toc": True,
    "show_navbar_depth": 1,
    "show_toc_level": 2,
    "repository_url": REPOSITORY,
    "use_repository_button": bool(REPOSITORY),
    "navbar_persistent": [],  # else a second field for the search, in a bar of its own
    "footer_content_items": ["copyright"],
}


def add_doors(_app, name, _template, context, _doctree):
    """Give a notebook's page the theme's launch button. The theme's own would look for Colab's copies on the main branch."""
    places = doors(REPOSITORY, f"chapters/{name}.ipynb") if context.get("page_source_suffix") == ".ipynb" else {}
    if places and "header_buttons" in context:  # the book has none
        buttons = [{"type": "link", "text": door, "tooltip": f"Run this chapter on {door}", "url": link} for door, link in places.items()]
        context["header_buttons"].append({"type": "group", "tooltip": "Run this chapter", "icon": "fas fa-rocket",
                                          "label": "launch-buttons", "buttons": buttons})  # fmt: skip


def leave_out_missing_styles(app, _name, _template, context, _doctree):
    """Let no page of the book ask for myst-nb's style file, which comes too late to be packed into it."""
    if app.builder.name == "epub":
        context["css_files"] = [file for file in context["css_files"] if "mystnb" not in str(file.filename)]


def setup(app):
    """Sphinx calls this. 502: after the theme has made its own buttons."""
    app.connect("html-page-context", leave_out_missing_styles)
    app.connect("html-page-context", add_doors, priority=502)
