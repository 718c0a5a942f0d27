"""The quiz of chapter 5, *Xavier and He*: which rule for which net, and why not the others."""

from utils.exercises.quiz import Question

QUIZ = {
    "relu": Question(
        "Thirty plain ReLU layers?",
        "he",
        {
            "lecun": "ReLU blanks half of the mean square: with 1/n_in the level falls by 2 in every layer",
            "xavier": "half of the mean square is lost in every square layer: He et al.'s net, which stalled",
            "he": "2/n_in gives back what ReLU takes, and it is the only case where signal and gradient agree exactly",
            "orthogonal": "its scale is 1, so it halves as Xavier does; and ReLU spoils the isometry anyway",
            "other": "this is the one case where a simple scale is exactly right",
        },
    ),
    "tanh": Question(
        "Fifty plain tanh layers, square, with a small signal: which weights learn fastest, each at its best rate?",
        "orthogonal",
        {
            "lecun": "right on average, but the singular values of the product spread: such nets are slower",
            "xavier": "equal to LeCun's in a square layer: right on average, but the singular values spread, and such nets are slower",
            "he": "a scale of 2 is in tanh's chaotic region: the gradient explodes",
            "orthogonal": "every singular value of the weights is 1, and a small signal meets slopes near 1",
            "other": "tanh with a small signal is nearly linear: isometry is within reach",
        },
    ),
    "selu": Question(
        "Sixty SELU layers?",
        "lecun",
        {
            "lecun": "its two constants were solved for sigma_w = 1",
            "xavier": "the same where layers are square; where they are not, sigma_w is no longer 1",
            "he": "sigma_w is sqrt(2) then: its fixed point is at another level, and the gradient grows",
            "orthogonal": "a fine choice in square layers, but the theory that gave its constants has 1/n_in",
            "other": "there is a named rule for it, and it is not calculate_gain's 3/4",
        },
    ),
    "sigmoid": Question(
        "Twenty sigmoid layers?",
        "other",
        {
            "lecun": "the signal is fine, the gradient is not: about 0.2 is left of it per layer",
            "xavier": "it assumes a slope of 1 and a mean of 0; here they are 1/4 and 1/2",
            "he": "the slope is 1/4 at best; sqrt(2) does not make up for that",
            "orthogonal": "an isometry times a slope of 1/4 is a quarter of an isometry",
            "other": "no usual scale helps: change the activation, or reset the level with a norm",
        },
    ),
}
