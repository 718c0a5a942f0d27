"""A lecture reads a configuration of its own: JupyterLab must not be imported before it is told where that is."""

import json
import subprocess
import sys

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
