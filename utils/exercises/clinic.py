"""The clinic: a sick net that a learner measures, names the disease of, and treats."""

from collections.abc import Callable
from dataclasses import dataclass, field

from torch import nn

from utils import progress
from utils.data.datasets import digits
from utils.exercises.quiz import Marks
from utils.exercises.verdict import CORRECT, NOT_YET, Verdict, check_choice, chosen
from utils.training.loop import race


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
