"""A lecture reads a configuration of its own: JupyterLab must not be imported before it is told where that is."""

import json
import re
import subprocess
import sys
from pathlib import Path

from jupyterlab_server.config import get_federated_extensions

from teaching import lecture


def test_jupyterlab_is_imported_after_the_variables_are_set():
    program = "import sys, teaching.lecture; sys.exit('jupyterlab.labapp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_the_state_is_made_anew_and_the_variables_point_into_it(tmp_path):
    state = tmp_path / "lecture"
    state.mkdir()
    (state / "left over").write_text("from the last talk")
    variables = lecture.prepare(dark=True, state=state)
    assert not (state / "left over").exists()
    assert variables["JUPYTERLAB_SETTINGS_DIR"].startswith(str(state))
    theme = state / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension" / "themes.jupyterlab-settings"
    assert json.loads(theme.read_text())["theme"] == "JupyterLab Dark"


def test_the_page_is_told_the_plan_of_every_chapter_and_given_its_extension(tmp_path):
    lecture.prepare(dark=False, state=tmp_path)
    plans = json.loads(json.loads((tmp_path / "labconfig" / "page_config.json").read_text())["courseLecture"])
    assert len(plans) == 7 and all(plan["steps"] for plan in plans.values())
    [folder] = json.loads((tmp_path / "jupyter_lab_config.json").read_text())["LabApp"]["extra_labextensions_path"]
    [extension] = get_federated_extensions([folder]).values()
    assert (Path(extension["ext_path"]) / extension["jupyterlab"]["_build"]["load"]).is_file()


def test_a_hall_dims_still_pictures_of_shades_and_leaves_charts_to_the_style_of_the_page(tmp_path):
    """A filter for charts would win over that of utils/figures/page.css: --dark once showed them all on grey paper."""
    lecture.prepare(dark=True, state=tmp_path)
    rules = re.findall(r"([^{}]+){([^{}]*)}", (tmp_path / "custom" / "custom.css").read_text())
    filtered = [selector.strip() for selector, style in rules if "filter:" in style]
    assert len(filtered) == 1 and filtered[0].endswith(".jp-RenderedImage img:not(.jp-needs-light-background)")
