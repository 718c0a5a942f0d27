"""The clinic: a sick net that a learner measures, names the disease of, and treats."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import nn
from torch.nn import functional as F

from utils import progress
from utils.data.datasets import digits
from utils.exercises.quiz import Marks
from utils.exercises.tables import table
from utils.exercises.verdict import CORRECT, NOT_ATTEMPTED, NOT_YET, Verdict, check_choice, chosen
from utils.torchdoctor import diagnose
from utils.torchdoctor.errors import WrongValue
from utils.torchdoctor.measurement import measure
from utils.training.loop import race

ROWS = 8  # layers of a chart: of a deep net evenly spread ones, the first and the last hidden one among them
SAMPLES = {"chart": 128, "second opinion": 256}  # of the patient's data, as many as the chapters' explorers and reports take
COLUMNS = {  # of a chart -> how a number is written there, and how it is had from a measurement and the learning rate
    "gradient": ("{:.1e}", lambda m, _: m.delta_norm),
    "update / weight": ("{:.1e}", lambda m, lr: m.update_ratio(lr)),
    "mean of z": ("{:.2f}", lambda m, _: m.pre_mean),
    "std of z": ("{:.2g}", lambda m, _: m.pre_std),
    "mean of a": ("{:.2f}", lambda m, _: m.activation_mean),
    "std of a": ("{:.2g}", lambda m, _: m.activation_std),
    "saturated": ("{:.0%}", lambda m, _: m.saturated),
    "dead": ("{:.0%}", lambda m, _: m.dead),
}


@dataclass(frozen=True)
class Treatment:
    """What a prescription does. make: returns the treated net; lr: its learning rate; why: why it cures, or does not."""

    make: Callable[[], nn.Module]
    lr: float
    why: str


@dataclass(frozen=True)
class Patient:
    """A sick net and what is known of it.

    complaint: what its owner says. make: returns the sick net, the same at every call. lr: the learning rate in use.
    disease: the right diagnosis. diseases: each diagnosis that may be given -> what to answer to it.
    prescriptions: each prescription that may be given -> its `Treatment`.
    cured: the accuracy, 0..1, that a treated net must reach.
    chapter: where the disease is explained, such as "2", or "3 and 5".
    data: returns the inputs and the labels, first of all. settings: further settings of its training.
    """

    complaint: str
    make: Callable[[], nn.Module]
    lr: float
    disease: str
    diseases: dict[str, str]
    prescriptions: dict[str, Treatment]
    cured: float = 0.9
    chapter: str = ""
    data: Callable[[], tuple] = digits
    settings: dict = field(default_factory=dict)


def chart(patient, *columns):
    """Return the `Table` of what the instruments say of the patient's hidden layers, below its owner's complaint.

    columns: names of COLUMNS, in the order wanted; without any, all of them.

    Raises ValueError for a column that there is none.
    """
    for column in columns:
        if column not in COLUMNS:
            raise WrongValue(f"a chart has no column {column!r}; its columns are: {', '.join(COLUMNS)}")
    net, (x, y, *_) = patient.make(), patient.data()
    count = SAMPLES["chart"]
    measured = measure(net, x[:count], y[:count], patient.settings.get("loss_fn", F.cross_entropy))
    hidden = max(len(measured.layers) - 1, 1)  # the last layer is the readout
    shown = torch.linspace(0, hidden - 1, min(hidden, ROWS)).round().long()
    chosen_columns = columns or COLUMNS
    numbers = {column: COLUMNS[column][1](measured, patient.lr)[shown] for column in chosen_columns}
    forms = {column: COLUMNS[column][0] for column in chosen_columns}
    return table({"layer": shown + 1, **numbers}, title=patient.complaint, form=forms)


def second_opinion(patient, answer):
    """Return the report of `diagnose` on the patient once the learner's own diagnosis is given; until then, ask for it."""
    if not has_named(patient, answer):
        return Verdict(NOT_ATTEMPTED, "your own diagnosis first; then run this cell again")
    net, (x, y, *_) = patient.make(), patient.data()
    count, settings = SAMPLES["second opinion"], patient.settings
    return diagnose(net, x[:count], y[:count], loss_fn=settings.get("loss_fn"), lr=patient.lr,
                    optimizer=settings.get("optimizer", "sgd"))


def name_disease(patient, answer):
    """Check the learner's diagnosis (a key of `patient.diseases`); returns a `Verdict` that explains."""
    return check_choice(answer, patient.disease, patient.diseases)


def has_named(patient, answer):
    """Whether the learner's diagnosis is one of the choices, right or wrong: then a second opinion spoils nothing."""
    return not isinstance(chosen(answer, patient.diseases), Verdict)


def rounds(patients, diagnoses):
    """Check the diagnoses of several patients; returns a `Marks` with a score, and what to read again.

    patients: dict name -> `Patient`. diagnoses: dict name -> the learner's diagnosis, `...` where there is none yet.
    """
    given = diagnoses if isinstance(diagnoses, dict) else {}
    verdicts = {name: name_disease(patient, given.get(name)) for name, patient in patients.items()}
    missed = [patients[name].chapter for name, verdict in verdicts.items() if verdict.status == NOT_YET]
    score = f"{sum(map(bool, verdicts.values()))} of {len(patients)} right."
    return Marks(verdicts, f"{score} Read again: chapter {'; chapter '.join(missed)}." if missed else score)


def treat(patient, prescription, steps=300):
    """Train the patient as it is and as prescribed, side by side on its data; returns a `Verdict` that explains.

    prescription: a key of `patient.prescriptions`, whatever its capitals and spaces; anything else is answered with
    the list of them.
    """
    choice = chosen(prescription, patient.prescriptions)
    if isinstance(choice, Verdict):
        return choice
    treatment, (x, y, *_) = patient.prescriptions[choice], patient.data()
    nets = {"untreated": patient.make(), choice: treatment.make()}
    rates = {"untreated": patient.lr, choice: treatment.lr}
    runs = race(nets, x, y, steps=steps, lr=rates, title="The patient, untreated and treated", **patient.settings)
    untreated, treated = runs["untreated"].accuracy, runs[choice].accuracy
    if treated >= patient.cured:
        progress.record(progress.PATIENT, patient.complaint, patient.make.__module__)
        return Verdict(CORRECT, f"cured, {treated:.0%} right (untreated {untreated:.0%}): {treatment.why}")
    if runs[choice].stopped:
        done = f"you stopped the training after {runs[choice].steps} of {steps} steps"
        return Verdict(NOT_YET, f"{done}, too early to tell: to start again from step 0, run this cell once more")
    return Verdict(NOT_YET, f"still sick, {treated:.0%} right: {treatment.why}")
