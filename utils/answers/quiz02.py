"""The quiz of chapter 2, *ReLU*: which activation belongs where, and why not the others."""

from utils.exercises.quiz import Question

QUIZ = {
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
}
