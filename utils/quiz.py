"""The chapters' quizzes: a learner names an answer to each question, and hears why it is right or not."""

from dataclasses import dataclass
from numbers import Real

from utils.checking import CORRECT, NOT_ATTEMPTED, NOT_YET, Verdict
from utils.exercises import check_diagnosis


@dataclass(frozen=True)
class Question:
    """One question. right: the answer looked for. answers: each answer that may be given -> what to say to it."""

    text: str
    right: str
    answers: dict[str, str]


class Report(dict):
    """Question's name -> `Verdict`, shown one below the other. It is truthy only if every answer is correct."""

    def __bool__(self):
        return all(self.values())

    def __repr__(self):
        return "\n".join(f"{name}: {verdict!r}" for name, verdict in self.items())

    def _repr_html_(self):
        return "\n".join(f"<b>{name}</b>{verdict._repr_html_()}" for name, verdict in self.items())


def questions(chapter):
    """Return a chapter's questions, name -> `Question`; raise ValueError if the chapter has no quiz."""
    if chapter not in _QUIZZES:
        raise ValueError(f"there is no quiz in chapter {chapter!r}; there is one in {sorted(_QUIZZES)}")
    return _QUIZZES[chapter]


def sheet(chapter):
    """Return a chapter's questions as text: name, question and the answers to choose from."""
    return "\n".join(
        f"{name}: {question.text}\n    {' | '.join(question.answers)}" for name, question in questions(chapter).items()
    )


def grade(chapter, answers):
    """Check the learner's answers, a dict question's name -> answer; returns a `Report`.

    A question that is left out, or answered with `...`, counts as not attempted; names that are no question are ignored.
    """
    given = answers if isinstance(answers, dict) else {}
    report = Report()
    for name, question in questions(chapter).items():
        report[name] = check_diagnosis(given.get(name), question.right, question.answers)
    return report


def review(table, measured, within=0.05):
    """Compare the entries of a learner's own table with what was measured; returns a `Report`.

    table: dict name -> entry, `...` where nothing is entered yet. measured: dict name -> a number, which an entry may
    miss by the share `within`, or a collection of texts, any of which is right.
    """
    given = table if isinstance(table, dict) else {}
    return Report({name: _compared(given.get(name), truth, within) for name, truth in measured.items()})


def _compared(entry, truth, within):
    """Return the `Verdict` on one entry, which does not give the answer away."""
    if entry is None or entry is ...:
        return Verdict(NOT_ATTEMPTED)
    if isinstance(truth, Real):
        if not isinstance(entry, Real) or isinstance(entry, bool):
            return Verdict(NOT_YET, "a number goes here")
        close = abs(entry - truth) <= within * abs(truth)
        return Verdict(CORRECT) if close else Verdict(NOT_YET, f"more than {within:.0%} from what was measured")
    right = isinstance(entry, str) and entry.strip().casefold() in truth
    return Verdict(CORRECT) if right else Verdict(NOT_YET, f"{entry!r} is not what was measured")


_QUIZZES = {
    2: {
        "hidden": Question(
            "The hidden layers of a deep net?",
            "relu",
            {
                "relu": "its slope is 1 on half of the axis, and with He's weights the gradient keeps its level",
                "sigmoid": "its slope is a quarter at best: chapter 1 saw what twenty layers of it do",
                "tanh": "better than a sigmoid, but its slope reaches 1 at one point only, so depth still costs",
                "none": "without a bend, twenty layers collapse into one matrix",
            },
        ),
        "probability": Question(
            "The output that is the probability of 'yes'?",
            "sigmoid",
            {
                "relu": "a probability above 1 would be allowed, and wherever it says 0 the slope is 0: no correction",
                "sigmoid": "between 0 and 1, and the logarithm of the cross-entropy cancels its slope",
                "tanh": "from -1 to 1: half of its range is no probability",
                "none": "a plain number has no bounds (though in PyTorch the sigmoid hides in the loss: BCEWithLogits)",
            },
        ),
        "temperature": Question(
            "The output that is tomorrow's temperature in degrees Celsius?",
            "none",
            {
                "relu": "it could never forecast frost, and where it says 0 it could not learn to",
                "sigmoid": "it would stop at 1 degree",
                "tanh": "it would stay between -1 and 1 degree",
                "none": "any number may come out, and the slope is 1 everywhere",
            },
        ),
        "gate": Question(
            "A gate, which decides how much of a memory is kept?",
            "sigmoid",
            {
                "relu": "a gate of 3 would triple the memory at every step",
                "sigmoid": "0 is closed, 1 is open, and everything between is allowed",
                "tanh": "a gate of -1 would turn the memory's sign",
                "none": "a gate needs bounds, or the memory explodes",
            },
        ),
        "state": Question(
            "The state of a plain recurrent net, which is fed back a hundred times?",
            "tanh",
            {
                "relu": "unbounded: with a recurrent weight of 1.1 a hundred steps make it 14,000 times larger "
                "(it can be tamed, see chapter 7)",
                "sigmoid": "bounded, but never negative, and its slope is a quarter at best",
                "tanh": "bounded, centred on zero, slope up to 1; its gradient still fades, which is chapter 7's subject",
                "none": "without a bend it explodes or dies out, whichever way the weights lean",
            },
        ),
    },
    3: {
        "plain": Question(
            "Sixty dense layers, no normalization, no skips, standardized input?",
            "selu",
            {
                "selu": "with LeCun's weights its variance of 1 is an attractor: whatever happens, the level comes back",
                "gelu": "its level is a knife edge: through sixty plain layers it drifts off, up or down",
                "softplus": "its gradient shrinks to a third per layer in mean square, at the scale that holds the signal",
                "sigmoid": "a quarter per layer at best: chapter 1",
            },
        ),
        "dropout": Question(
            "The SELU net overfits. What do you add?",
            "alpha dropout",
            {
                "dropout": "it multiplies what is left, and the variance leaves 1: you measured it",
                "alpha dropout": "it drops to SELU's own floor and rescales, so that mean 0 and variance 1 survive",
                "a skip connection": "that is no cure for overfitting, and here it makes the variance explode",
            },
        ),
        "language": Question(
            "The feed-forward blocks of a language model in the style of LLaMA or PaLM?",
            "swiglu",
            {
                "swiglu": "a SiLU gate times a linear branch, with 8/3 d hidden units at equal parameters",
                "gelu": "that is BERT and GPT; they came before the gated variants",
                "relu": "that is the Transformer of 2017",
                "selu": "its four conditions exclude skips and layer norm, of which a Transformer is made",
            },
        ),
        "dying": Question(
            "ReLU units die in your net, and you want the cheapest change of the activation?",
            "leaky relu",
            {
                "leaky relu": "one multiplication more, and no unit ever has a slope of exactly 0 again",
                "sigmoid": "it cannot die, but it passes on a quarter at best",
                "mish": "it does not die for good, but costs an exponential, a logarithm and a tanh",
                "relu": "a smaller step or He's biases help, too, but that changes the training, not the activation",
            },
        ),
        "tie": Question(
            "Ten layers with batch norm; in your race all activations end within one percent, as do three seeds of each?",
            "relu",
            {
                "relu": "a tie is broken by what is simplest, fastest and best known",
                "the winner": "with another seed another one wins: you would choose by luck",
                "selu": "batch norm already keeps the level, which is all that SELU has to offer",
            },
        ),
    },
}

CHAPTERS = tuple(_QUIZZES)
