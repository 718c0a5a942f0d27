"""A graph that is whole, and through which nothing comes: the gradient of every weight is 0."""

import math

from torch import nn

from .finding import Remedy, found, remark, where
from .weights import both, draw_layers, put

# What is a ten-millionth of the numbers that it was computed from is float32's own rounding (6e-8). Ten times that is
# a gradient of nothing: the sum over a layer norm's output, which is fixed, leaves 1e-7; a sigmoid at |z| = 14 has this slope.
NOTHING = 1e-6

# A sigmoid that is right to a millionth has a binary cross-entropy of a millionth, and a slope of that: a task done.
DONE = 1e-6

FLAT = {  # node of autograd's graph -> what it is, where each entry of its output does not change with the input at all
    "RoundBackward0": "a rounding", "RoundBackward1": "a rounding", "SignBackward0": "a sign", "FloorBackward0": "a floor",
    "CeilBackward0": "a ceil", "TruncBackward0": "a trunc",
}  # fmt: skip
CLAMPED = {"ClampBackward0": "a clamp", "ClampBackward1": "a clamp", "ClampMaxBackward0": "a clamp",
           "ClampMinBackward0": "a clamp", "HardtanhBackward0": "a hardtanh", "HardsigmoidBackward0": "a hardsigmoid"}  # fmt: skip
SILENT = {"ReluBackward0": "a ReLU that is 0 for every sample"}
ENDS = {"SigmoidBackward0": "a sigmoid", "TanhBackward0": "a tanh", "SoftmaxBackward0": "a softmax"}
FIXED = {"NativeLayerNormBackward0": "a layer norm", "NativeGroupNormBackward0": "a group norm", "NativeBatchNormBackward0": "a batch norm"}


def find(exam):
    """Yield "no gradient" if no weight that may change has one; a remark if the loss asks for none."""
    layers = [layer for layer in exam.layers if not layer.frozen]
    gradients = [n for layer in exam.layers for n in (layer.delta_norm, layer.weight_gradient_norm) if not math.isnan(n)]
    largest = max(gradients, default=math.nan)
    asked = exam.graph.asked
    gates = {*exam.closed} - {f"{layer.name}.weight" for layer in exam.layers}  # may have a gradient, which is not measured
    if not layers or gates or not largest <= NOTHING * asked or not math.isfinite(exam.loss) or not math.isfinite(asked):
        return
    cause = _cause(exam)
    if cause == "nothing asked":
        yield remark("nothing asked", exam.layers[-1:], f"the loss asks for nothing on this batch: it is {exam.loss:.3g}, and its "
                     "gradient is 0 at every output, as of a hinge that is satisfied or a mask that hides every target",
                     loss=exam.loss)
    elif cause != "done":
        most = f"at most {largest:.1e}, where the loss asks for {asked:.1e} at the output" if largest else "exactly 0"
        yield found("no gradient", layers, f"the gradient of every weight is {most}: {_told(cause, exam)}",
                    largest_gradient=largest, asked=asked)


def _cause(exam):
    """What stops the gradient: a key of the tables above, or "one", "loss", "model", "nothing asked", "done", "unknown"."""
    graph = exam.graph
    if graph.of_one:
        return "one"
    if graph.empty or not graph.joined:
        return "model" if graph.empty else "loss"
    if exam.loss >= 0 and exam.loss < DONE:
        return "done" if graph.asked else "nothing asked"
    if not graph.asked:
        return next((name for name in graph.head if name in FLAT or name in CLAMPED), "nothing asked")
    tables = (FLAT, CLAMPED, SILENT, ENDS, FIXED)
    return next((name for name in graph.tail if any(name in table for table in tables)), "unknown")


def _told(cause, exam):
    last = where(exam.layers[-1:])
    if cause == "one":
        return "a softmax over a single entry is 1 whatever the net says"
    if cause == "model":
        return f"autograd's graph ends between {last} and the output, and requires_grad_() on the loss does not mend that"
    if cause == "loss":
        return "autograd's graph ends in the loss function, and requires_grad_() on the loss does not mend that"
    place = f"between {last} and the output" if exam.graph.asked else "in the loss function"
    if cause in FLAT:
        return f"{FLAT[cause]} {place} is flat wherever it does not jump"
    if cause in CLAMPED:
        return f"{CLAMPED[cause]} {place} cuts every number off, and is flat there"
    if cause in SILENT:
        return f"behind {last} comes {SILENT[cause]}, and its slope there is 0"
    if cause in ENDS:
        return f"behind {last} comes {ENDS[cause]} that lies on its flat ends for every sample"
    if cause in FIXED:
        return f"behind {last} comes {FIXED[cause]}, whose outputs have a fixed sum and a fixed size, and the loss sees no more of them"
    return f"what comes behind {last} lets nothing through"


def prescribe(finding, exam, model):
    """Take away what stops the gradient; nothing about lr, which has nothing to multiply."""
    if finding.kind == "nothing asked":
        return None
    cause, last = _cause(exam), exam.layers[-1].name
    if cause == "one":
        return Remedy("give the net an output for each class, nn.Linear(units, classes); or leave the softmax out, and take "
                      "F.binary_cross_entropy_with_logits(z, y) for a yes or no", "1")
    if cause in ("model", "loss") or cause in FLAT:
        return Remedy("compute the loss from the output itself: detach, item, numpy, argmax, a comparison, round and sign belong "
                      "into the accuracy; where a step has to stay, z + (step(z) - z).detach() lets the gradient past it", "1")
    if cause in SILENT:
        # Not the ReLU alone: behind a bias of -9 without one, the net has a long way to go.
        leave = _without_last(exam, model, nn.ReLU)
        return Remedy(f"leave the ReLU after the last layer out, and draw {last}'s weights anew with biases of 0, "
                      "nn.init.zeros_(layer.bias); where outputs must be positive, take F.softplus(z), whose slope is never 0",
                      "2", both(leave, draw_layers([last], 1.0)) if leave else None)
    if cause in ENDS:
        return Remedy(f"draw {last}'s weights anew, with std 1 / sqrt(fan_in) and biases of 0, standardize what it receives, and "
                      "compute the loss from what comes before the flat end: F.cross_entropy(z, y) or "
                      "F.binary_cross_entropy_with_logits(z, y)", "1, 4", draw_layers([last], 1.0))
    if cause in CLAMPED:
        return Remedy(f"leave the clamp out, or draw {last}'s weights anew, nn.init.normal_(layer.weight, 0, fan_in ** -0.5), "
                      "so that z lies between its ends", "1, 4",
                      draw_layers([last], 1.0))
    if cause in FIXED:
        return Remedy("let the loss compare single outputs with targets, F.mse_loss(output, y), or put a linear layer behind the "
                      "norm", "5")
    return Remedy(f"look at what stands between {last} and the loss: a function that is flat, such as torch.sign(z), or a factor "
                  "of 0", "1")


def _without_last(exam, model, kind):
    """A change: the last module of this class that does not stand between layers becomes `nn.Identity`; None if there is none."""
    names = [name for name, module in model.named_modules() if isinstance(module, kind) and name not in exam.hidden_nonlinearities]
    if not names or not names[-1]:
        return None

    def change(model):
        put(model, names[-1], nn.Identity())

    return change
