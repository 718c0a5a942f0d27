"""Chapter 6, *Skip connections*: the quiz of its evidence."""

from utils.exercises.quiz import Question

QUIZ = {
    "identity": Question(
        "Does the '+1' guarantee that no gradient vanishes?",
        "no",
        {
            "yes": "a branch with F' = -I/2 halves the gradient in every block, identity or not",
            "no": "it is I + F', and F' can work against the identity, or blow it up",
            "only with relu": "the activation does not matter here: F' = -I/2 needs none",
        },
    ),
    "explosion": Question(
        "A residual net of 200 blocks with He's weights gives NaN at once. First thing to try?",
        "scale the branches",
        {
            "scale the branches": "each unit-gain branch doubles the mean square; 1/sqrt(L), zero or a norm stops that",
            "more blocks": "two hundred doublings are enough",
            "halve the sum": "then the identity path itself is halved in every block, and the gradient vanishes",
            "xavier instead of he": "a quarter of the branch's power is better, but 1.25^200 still is 1e19 and more",
        },
    ),
    "gate": Question(
        "A highway net of 100 layers, at the start?",
        "gate bias of -6",
        {
            "gate bias of 0": "then half of the input is lost in every layer",
            "gate bias of -2": "0.88 is carried per layer: 0.88^100 is 3e-6",
            "gate bias of -6": "0.9975 is carried per layer, and 78 % of the input through all hundred",
            "gate bias of +3": "that opens the transform and closes the carry: a plain net",
        },
    ),
    "delete": Question(
        "You delete one block of a trained net and it hardly notices. What was it?",
        "residual",
        {
            "residual": "half of the paths do not use the block at all",
            "plain": "a plain net has one path, and every layer is on it",
            "untrained": "a net at chance hardly notices anything, but this one was trained",
        },
    ),
    "transformer": Question(
        "A transformer of 48 layers that must train without much tuning?",
        "norm before the sublayer",
        {
            "norm before the sublayer": "the identity path stays free of norms: the usual choice for large language models",
            "norm after the sum": "the original of 2017: it trains, but from some depth on it needs a warm-up",
            "no skips, only norms": "the gradient's norm lives, and the tokens all become the same",
        },
    ),
}
