"""Write a chapter's hand-outs into the folder handouts/: python3 course.py handout 03

    handouts/03_lu_family/text.html             the chapter on one page, with a picture wherever a widget stood
    handouts/03_lu_family/slides.html, .pdf     its slides
    handouts/03_lu_family/run_sheet_45.html, .pdf and run_sheet_20...  for the speaker

Nothing in them is loaded from elsewhere: pictures are part of the file, and formulas are MathML, which browsers draw
themselves. The PDFs need a Chromium; without one the HTML is written all the same, and any browser can print it.
"""

import re
import subprocess
import sys
import tempfile
from html import escape, unescape
from pathlib import Path

import nbformat
from latex2mathml.converter import convert
from nbconvert import HTMLExporter
from nbconvert.filters import markdown2html

from chapters.build import drop_how_to
from teaching.chromium import find_chromium
from teaching.run_sheet import LENGTHS, NotesError, plain_title, read_slides, write_run_sheet
from teaching.slides import for_the_hall, has_slides

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = ROOT / "chapters"
FOLDER = ROOT / "handouts"
FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^$\n]+(?:\n[^$\n]+)*?)\$", re.DOTALL)
NO_TEXT = re.compile(r"(<(pre|code|script|style)\b.*?</\2>|<[^>]+>)", re.DOTALL)  # code, and tags: a heading's id


def draw_formulas(page):
    """Return an HTML page with its LaTeX formulas ($...$, $$...$$) as MathML; code is left alone."""
    def formula(match):
        return convert(unescape(match[1] or match[2]).strip(), display="block" if match[1] else "inline")

    parts = NO_TEXT.split(page)  # text, what is none, its tag, text, ...
    del parts[2::3]
    return "".join(part if index % 2 else FORMULA.sub(formula, part) for index, part in enumerate(parts))


def write_text(notebook, title):
    """Return the whole chapter as one HTML page."""
    exporter = HTMLExporter(template_name="course", extra_template_basedirs=[str(CHAPTERS / "templates")])
    page, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": title}})
    page = re.sub(r"<script\b[^>]*>.*?</script>", "", page, flags=re.DOTALL)  # from a network: MathJax, RequireJS
    return draw_formulas(page)


def write_slides(slides, title):
    """Return the slides as an HTML page that prints one slide, with its number, on one sheet of 1280 x 720 pixels."""
    sheets = "\n".join(
        f"<section><div>{''.join(map(_cell, slide.cells))}</div><footer>{number} / {len(slides)}</footer></section>"
        for number, slide in enumerate(slides, start=1)
    )
    return draw_formulas(_SLIDES.format(title=escape(title), sheets=sheets))


def _cell(cell):
    """Return a cell as a slide shows it: text; or pictures; or code and what it printed, or that alone."""
    if cell.cell_type == "markdown":
        return markdown2html(cell.source)
    pictures, texts = [], []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if "image/png" in data:
            alt = escape(data.get("text/plain", ""), quote=True)
            source = data["image/png"].replace("\n", "")
            pictures.append(f'<img alt="{alt}" src="data:image/png;base64,{source}">')
        elif "text/html" in data:
            texts.append(data["text/html"])
        else:
            texts.append(f"<pre>{escape(output.get('text') or data.get('text/plain', ''))}</pre>")
    tags = cell.metadata.get("tags", [])
    shown = "slide-code" in tags or not (pictures or "slide-output" in tags)
    code = f"<pre class='code'>{escape(cell.source)}</pre>" if shown else ""
    return code + "".join(texts) + "".join(pictures)


def print_pdf(page, pdf, chromium):
    """Print an HTML file as PDF with a Chromium. Raises RuntimeError if none comes out."""
    with tempfile.TemporaryDirectory() as profile:
        command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer",
                   f"--user-data-dir={profile}", f"--print-to-pdf={pdf}", page.resolve().as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    if done.returncode or not pdf.exists():
        raise RuntimeError(f"Chromium did not print {page.name}: {done.stderr.strip()[-300:]}")


def write_handout(path, folder, chromium):
    """Write all that can be made of the notebook `path` into `folder`; return the paths, and what is missing and why."""
    notebook = nbformat.read(path, as_version=4)
    drop_how_to(notebook)
    title = plain_title(notebook.cells[0]) or path.stem
    pages, missing = {"text": write_text(notebook, title)}, []
    if has_slides(notebook):
        slides = read_slides(for_the_hall(notebook))
        pages["slides"] = write_slides(slides, title)
        pages |= {f"run_sheet_{length}": write_run_sheet(slides, title, length) for length in LENGTHS}
    else:
        missing.append(f"{path.stem} has no slides yet, so there is only its text")
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, page in pages.items():
        file = folder / f"{name}.html"
        file.write_text(page, encoding="utf-8")
        written.append(file)
        if chromium and name != "text":
            print_pdf(file, file.with_suffix(".pdf"), chromium)
            written.append(file.with_suffix(".pdf"))
    if not chromium:
        missing.append("no Chromium was found (name one in the variable CHROMIUM), so there are no PDFs: "
                       "open the HTML in any browser and print it")
    return written, missing


def main(numbers, chapters=CHAPTERS, folder=FOLDER):
    """Write the hand-outs of these chapters ("3" or "03"; all without any); return the exit status."""
    paths = sorted(chapters.glob("[0-9][0-9]_*.ipynb"))
    known = {path.stem[:2]: path for path in paths}
    if unknown := [number for number in numbers if number.zfill(2) not in known]:
        print(f"Chapter {unknown[0]} is not there (there are: {', '.join(known) or 'none'}).", file=sys.stderr)
        return 1
    for path in [known[number.zfill(2)] for number in numbers] or paths:
        try:
            written, missing = write_handout(path, folder / path.stem, find_chromium())
        except (NotesError, RuntimeError) as error:
            print(f"{path.stem}: {error}", file=sys.stderr)
            return 1
        for file in written:
            print(f"{file} ({file.stat().st_size / 1000:.0f} KB)")
        for sentence in missing:
            print(f"Note: {sentence}.")
    return 0


_SLIDES = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>
@page {{ size: 1280px 720px; margin: 0 }}
body {{ margin: 0; font: 21px/1.35 "DejaVu Sans", sans-serif; color: #1A1A1A }}
section {{ box-sizing: border-box; width: 1280px; height: 720px; padding: 24px 60px; overflow: hidden;
           display: flex; flex-direction: column; justify-content: center; break-after: page; border-bottom: 1px solid #CCC;
           position: relative }}
footer {{ position: absolute; right: 16px; bottom: 10px; font-size: 15px; color: #504C4C }}
p, ul, ol, h1, h2, h3 {{ margin: 0 0 10px }}
pre {{ font: 17px/1.3 "DejaVu Sans Mono", monospace; margin: 0 0 8px; white-space: pre-wrap }}
code {{ font: 0.85em "DejaVu Sans Mono", monospace }}
.code {{ background: #F3F3F3; padding: 8px; font-size: 15px }}
table {{ border-collapse: collapse; margin: 0 0 10px }}
th, td {{ text-align: left; padding: 4px 24px 4px 0; border-bottom: 1px solid #CCC }}
section > div {{ max-height: 100%; display: flex; flex-direction: column }}
section > div > * {{ flex: none }}
section > div > img {{ flex: 0 1 auto; min-height: 0; width: 100%; object-fit: contain; object-position: left }}
math {{ font-size: 1.15em }}
.anchor-link {{ display: none }}
@media print {{ section {{ border: 0 }} }}
/* On a phone a slide is as high as what it says; what would be too small to read stays large, and is moved by hand. */
@media screen and (max-width: 1279px) {{
  body {{ font-size: 17px }}
  section {{ width: auto; height: auto; padding: 16px 16px 40px; overflow: visible }}
  section > div {{ display: block; overflow-x: auto }}
  section > div > img {{ width: 640px }}
  pre {{ overflow-x: auto }}
  th, td {{ padding-right: 10px }}
  h1, h2, h3 {{ overflow-wrap: anywhere }}
}}
</style></head><body>
{sheets}
</body></html>
"""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
