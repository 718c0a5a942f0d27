"""The clinic: a sick net that a learner measures, names the disease of, and treats."""

from collections.abc import Callable
from dataclasses import dataclass

from utils import progress
from utils.checking import check_choice, chosen
from utils.data import digits
from utils.models import MLP
from utils.training import race
from utils.verdict import CORRECT, NOT_YET, Verdict


@dataclass(frozen=True)
class Treatment:
    """What a prescription does. make: returns the treated net; lr: its learning rate; why: why it cures, or does not."""

    make: Callable[[], MLP]
    lr: float
    why: str


@dataclass(frozen=True)
class Patient:
    """A sick net and what is known of it.

    complaint: what its owner says. make: returns the sick net, the same at every call. lr: the learning rate in use.
    disease: the right diagnosis. diseases: each diagnosis that may be given -> what to answer to it.
    prescriptions: each prescription that may be given -> its `Treatment`.
    cured: the accuracy, 0..1, that a treated net must reach.
    """

    complaint: str
    make: Callable[[], MLP]
    lr: float
    disease: str
    diseases: dict[str, str]
    prescriptions: dict[str, Treatment]
    cured: float = 0.9


def name_disease(patient, answer):
    """Check the learner's diagnosis (a key of `patient.diseases`); returns a `Verdict` that explains."""
    return check_choice(answer, patient.disease, patient.diseases)


def treat(patient, prescription, steps=300):
    """Train the patient as it is and as prescribed, side by side on the digits; returns a `Verdict` that explains.

    prescription: a key of `patient.prescriptions`, whatever its capitals and spaces; anything else is answered with
    the list of them.
    """
    choice = chosen(prescription, patient.prescriptions)
    if isinstance(choice, Verdict):
        return choice
    treatment, data = patient.prescriptions[choice], digits()
    nets = {"untreated": patient.make(), choice: treatment.make()}
    rates = {"untreated": patient.lr, choice: treatment.lr}
    runs = race(nets, data.x, data.y, steps=steps, lr=rates, title="The patient, untreated and treated")
    untreated, treated = runs["untreated"].accuracy, runs[choice].accuracy
    if treated >= patient.cured:
        progress.record(progress.PATIENT, patient.complaint, patient.make.__module__)
        return Verdict(CORRECT, f"cured, {treated:.0%} of the digits right (untreated {untreated:.0%}): {treatment.why}")
    if runs[choice].stopped:
        return Verdict(NOT_YET, f"stopped after {runs[choice].steps} of {steps} steps: run the cell again")
    return Verdict(NOT_YET, f"still sick, {treated:.0%} of the digits right: {treatment.why}")
