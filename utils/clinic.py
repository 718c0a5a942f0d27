"""The clinic: sick nets that a learner measures, names the disease of, and treats. One patient a chapter."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from utils.data import digits
from utils.exercises import Verdict, check_diagnosis
from utils.models import MLP
from utils.training import race


@dataclass(frozen=True)
class Patient:
    """A sick net and what is known of it.

    complaint: what its owner says. make: returns the sick net, the same at every call. lr: the learning rate in use.
    disease: the right diagnosis. diseases: each diagnosis that may be given -> what to answer to it.
    prescriptions: each treatment that may be given -> (the treated net's maker, its learning rate).
    cured: the accuracy, 0..1, that a treated net must reach.
    """

    complaint: str
    make: Callable[[], MLP]
    lr: float
    disease: str
    diseases: dict[str, str]
    prescriptions: dict[str, tuple[Callable[[], MLP], float]]
    cured: float = 0.9


def patient(chapter):
    """Return the `Patient` of a chapter; raise ValueError if that chapter has none."""
    if chapter not in _PATIENTS:
        raise ValueError(f"no patient waits in chapter {chapter!r}; there is one in {sorted(_PATIENTS)}")
    return _PATIENTS[chapter]


def name_disease(patient, answer):
    """Check the learner's diagnosis (a key of `patient.diseases`); returns a `Verdict` that explains."""
    if (unanswered := _unanswered(answer, patient.diseases)) is not None:
        return unanswered
    return check_diagnosis(answer, patient.disease, patient.diseases)


def treat(patient, prescription, steps=300):
    """Train the patient as it is and as prescribed, side by side on the digits; returns a `Verdict`.

    prescription: a key of `patient.prescriptions`; anything else is answered with the list of them.
    """
    if (unanswered := _unanswered(prescription, patient.prescriptions)) is not None:
        return unanswered
    if not isinstance(prescription, str) or prescription not in patient.prescriptions:
        return Verdict("not yet", f"no such treatment here; choose one of: {', '.join(patient.prescriptions)}")
    make, lr = patient.prescriptions[prescription]
    data = digits()
    nets = {"untreated": patient.make(), prescription: make()}
    rates = {"untreated": patient.lr, prescription: lr}
    histories = race(nets, data.x, data.y, steps=steps, lr=rates, title="The patient, untreated and treated")
    accuracy = histories[prescription].accuracy
    if accuracy >= patient.cured:
        return Verdict("correct", f"cured: {accuracy:.0%} of the digits right, untreated {histories['untreated'].accuracy:.0%}")
    return Verdict("not yet", f"still sick: {accuracy:.0%} of the digits right; look at the measurements again")


def _unanswered(answer, choices):
    blank = answer is None or answer is ...
    return Verdict("not attempted", f"choose one of: {', '.join(choices)}") if blank else None


def _tanh(**settings):
    return lambda: MLP(8, activation="tanh", seed=1, **settings)


def _biased(bias, activation="relu"):
    """Return a maker of nets of three layers with one and the same bias in every hidden unit."""
    def make():
        net = MLP(3, activation=activation, init="he", seed=1)
        for layer in net.hidden:
            nn.init.constant_(layer.bias, bias)
        return net

    return make


def _fifteen(activation, **settings):
    return lambda: MLP(15, activation=activation, seed=1, **settings)


_PATIENTS = {
    1: Patient(
        complaint="Eight tanh layers, cross-entropy, learning rate 0.05. The loss starts above 11, comes down to about ln 10 and jumps there.",
        make=_tanh(init="naive"),
        lr=0.05,
        disease="weights too large",
        diseases={
            "vanishing through small slopes": "a vanishing gradient is smallest at layer 1; here it is largest there",
            "weights too large": "three units of four are saturated, and still the gradient grows towards the input: "
            "the large weights win over the small slopes, and layer 1 is thrown about at every step",
            "weights too small": "weights that are too small leave activations near 0; here they sit at -1 and 1",
            "learning rate too small": "layer 1 moves by a quarter of its own size at every step: far too much",
        },
        prescriptions={
            "a tenth of the learning rate": (_tanh(init="naive"), 0.005),
            "ten times the learning rate": (_tanh(init="naive"), 0.5),
            "weights with std 1/sqrt(fan_in)": (_tanh(init="lecun"), 0.05),
            "weights with std 0.01": (_tanh(init="small"), 0.05),
        },
    ),
    2: Patient(
        complaint="Three ReLU layers, He's weights, learning rate 0.05. The owner wanted sparse activations and helped a "
        "little. The loss stands at ln 10.",
        make=_biased(-3.0),
        lr=0.05,
        disease="dead before the first step",
        diseases={
            "dead before the first step": "every unit of layer 3 is silent for every digit, and no step was taken yet: "
            "z lies around -3 in all layers, which is where its biases put it",
            "killed by too large a step": "that looks alike afterwards; but this net was measured before its first step",
            "vanishing through small slopes": "a gradient that fades is small and falls from layer to layer; this one is "
            "exactly 0 in all hidden layers at once",
            "weights too small": "small weights make z small, around 0; here it lies around -3",
        },
        prescriptions={
            "a tenth of the learning rate": (_biased(-3.0), 0.005),
            "ten times the learning rate": (_biased(-3.0), 0.5),
            "a leak of 0.01": (_biased(-3.0, activation="leaky_relu"), 0.05),
            "biases of zero": (_biased(0.0), 0.05),
        },
    ),
    3: Patient(
        complaint="Fifteen softplus layers, 'a smooth ReLU', weights at softplus's own gain 1.04, learning rate 0.01. "
        "The signal has the same size in every layer, and the loss stands at ln 10.",
        make=_fifteen("softplus", sigma_w=1.0419),
        lr=0.01,
        disease="slopes too small",
        diseases={
            "slopes too small": "the signal holds its level and the gradient does not: softplus's slope is a sigmoid, "
            "one half where the z lie, so a layer passes on about a third in mean square",
            "weights too small": "then the signal would fade from layer to layer; here its size is the same in all",
            "weights too large": "then the gradient or the signal would grow; here one fades and one holds",
            "dead units": "softplus is never exactly 0, and no unit was counted as dead",
        },
        prescriptions={
            "ten times the learning rate": (_fifteen("softplus", sigma_w=1.0419), 0.1),
            "weights with std 0.01": (_fifteen("softplus", init="small"), 0.01),
            "a sigmoid, at its gain": (_fifteen("sigmoid", sigma_w=1.8462), 0.01),
            "ELU, at its gain": (_fifteen("elu", sigma_w=1.2452), 0.01),
        },
    ),
}

CHAPTERS = tuple(_PATIENTS)
