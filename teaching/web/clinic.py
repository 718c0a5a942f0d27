"""The clinic on a page, where no cell runs: each choice of a diagnosis or of a treatment opens what is said to it."""

import ast
import html
import importlib
import re

from nbformat.v4 import new_output

from utils.exercises.verdict import NOT_ATTEMPTED, check_choice

ASKED = f"{NOT_ATTEMPTED}: choose one of "  # how the verdict of a cell begins that has asked for a choice
WAITING = f"{NOT_ATTEMPTED}: your own diagnosis first"  # of a second opinion, which only the notebook gives
QUESTIONS = {"name_disease": "Which is it? Each answer opens what is said to it.",
             "treat": "Which treatment? The notebook trains the patient with it; here stands what there is to say of each."}  # fmt: skip


def answer_choices(cell):
    """Put choices that open in the place of the outputs of a cell in which a patient's clinic asks for one; leave out what waits."""
    cell.outputs = [output for output in cell.outputs if WAITING not in output.get("data", {}).get("text/plain", "")]
    asking = [number for number, output in enumerate(cell.outputs)
              if ASKED in output.get("data", {}).get("text/plain", "") + output.get("text", "")]  # displayed, or printed
    for number, (name, patient) in zip(asking, _questions(cell.source)):
        cell.outputs[number] = new_output("display_data", {"text/html": _choices(name, patient)})


def _questions(source):
    """Yield (name, patient) of each question of a cell that names its patient outright, such as chapter01.PATIENT."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
        said = ast.unparse(call.args[0]) if call.args else ""
        if call.func.attr in QUESTIONS and (chapter := re.match(r"chapter\d\d(?=\.)", said)):
            module = importlib.import_module(f"utils.answers.{chapter[0]}")
            yield call.func.attr, eval(said, {chapter[0]: module})


def _choices(name, patient):
    if name == "treat":
        said = {choice: treatment.why for choice, treatment in patient.prescriptions.items()}
    else:
        said = {choice: repr(check_choice(choice, patient.disease, patient.diseases)) for choice in patient.diseases}
    folds = "".join(f"<details><summary>{html.escape(choice)}</summary><p>{html.escape(answer)}</p></details>"
                    for choice, answer in said.items())  # fmt: skip
    return f'<div class="course-choices" role="group" aria-label="answers"><p>{QUESTIONS[name]}</p>{folds}</div>'
