"""Where healthy ends: every threshold of `diagnose` in one place, with its reason. Theory first, experience second."""

# A layer whose gradient is this share of the last layer's moves in a thousand steps, a whole small training, as far as
# the last layer moves in one. Five sigmoid layers at Xavier's scale reach 0.236^5 = 7e-4, and stay at chance for 600
# steps; three reach 1e-2 and learn (chapter 1).
VANISHED = 1e-3

# A step is healthy where it moves a weight by about 1e-3 of its size (Karpathy, CS231n). Where the gradient is a hundred
# times the last layer's, the step that suits the last layer moves a tenth of a weight at once.
EXPLODED = 1e2

# In time all steps share one weight, and their gradients are summed: what is below the rounding of the largest part is
# not in the sum at all. float32 rounds at 6e-8; with a margin of about ten for the steps in between, that is 1e-6. A
# plain RNN still learns a lag of 20 (first / last about 1e-5) and fails at 50 (1e-12); chapter 7.
FORGOTTEN = 1e-6

# With more than half of the activations on the flat ends (slope below 2.7 % of the greatest), a layer passes on less
# than half of the squared gradient, whatever the rest does. Of a tanh's z ~ N(0, 1) it is 1 %, of N(0, 4) 21 %.
SATURATED = 0.5

# Weights and biases that are symmetric about 0 leave a ReLU unit silent for one input with probability 1/2, and for all
# of them at most with the same: even inputs that a deep net no longer tells apart leave half of the units. What is
# beyond that half by three standard deviations of n units is no chance: 1/2 + 1.5 / sqrt(n).
DEAD, DEAD_DEVIATIONS = 0.5, 3

# Rows of a weight matrix that differ by no more than the roundings of a sum of some thousand terms are the same row.
TWINS = 1e-5

# A step that moves a weight by a tenth of its size has replaced the layer after ten; 1e-3 is healthy (see EXPLODED).
# Two kinds of layers are not judged by it. Before a norm the size of W does not matter: dC/dW is orthogonal to W, each
# step makes W longer, and with it the next turn smaller, whatever lr is (Arora et al. 2018). And a readout may well begin
# at 0: the losses are convex in it, and what counts is OVERSHOOT.
STEP_TOO_LARGE = 1e-1

# A step of lr on a convex loss leads towards its minimum if lr ||dC/dW||^2 <= 2 (C - C_min) (Polyak 1969), and C_min >= 0.
OVERSHOOT = 2.0

# A step that moves every weight by less than a millionth needs a million of them, where 1e-3 needs a thousand.
STEP_TOO_SMALL = 1e-6

# A net that needs a smaller learning rate than this has a gradient thousands of times its weights: the step is not its cause.
SMALLEST_LR = 1e-6

# Initializations are made for E[x^2] = 1 at the input; z and the first gradient of the weights are proportional to its
# root. Ten times that puts z ~ N(0, 100): four fifths of a tanh layer saturated before the first step.
INPUT_TOO_LARGE = 10.0

# Where what tells inputs (or the positions of a sequence) apart is a thousandth of the signal, so is its share of the
# gradient: see VANISHED. Thirty ReLU layers with He's weights leave 0.17 to 0.39 (eight seeds).
ALIKE = 1e-3

# Weights within this factor of the scale that theory asks for are not the cause: over thirty layers it makes 1.1^30 = 17.
SCALE_TOLERANCE = 1.1

# An activation that passes on less than this of the squared gradient at the scale that keeps the signal (chi) cannot be
# helped by weights: softplus 0.32, sigmoid 0.15. All others have 1 or more.
POOR_CHI = 0.5
