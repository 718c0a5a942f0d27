"""What a `Log` says of a training, in one sentence: its verdict, and the numbers of its last sample."""

import math

# As in `diseases.step_size`: a step that moves every weight by less than a millionth needs a million of them.
STEP_TOO_SMALL = 1e-6

# Of the steps after which the next backward pass was heard, so many must add to the old gradient: all but a slip or two.
MOST = 0.9

# Outputs that differ by a thousandth of their size and less have the loss of a constant, whatever that is: see ALIKE in
# `diseases.collapsed`. Nets that learned had 0.1 and more after 300 steps, and towers of sigmoids that did not 2e-4 and
# less. A sound net may begin so, and leaves it: five sigmoid layers with Adam after 50 steps. Hence of the later half of
# two hundred steps or more, and of none whose outputs are spreading. (Of targets whose mean is a thousand times what
# differs between them this knows nothing: no loop could tell.)
ALIKE, STEPS, SPREADING = 1e-3, 200, 3.0
SHRUNK = 1e-3  # of the last layer's gradient, in the first: as VANISHED in `diseases.through_depth`


def judge(log):
    """Return (kind, sentence) of the first thing that is wrong with the training of a `Log`; ("healthy", "") for nothing.

    Neither is told of fewer than two samples, but for numbers that are not finite.
    """
    gradients, updates = log.weight_gradient_norm, log.update_ratio
    if len(log.steps) and not gradients[-1].isfinite().any():
        broken = log.steps[int((~gradients.isfinite().any(1)).int().argmax())]
        return "not finite", f"from step {broken} on no gradient is a finite number"
    if len(log.steps) < 2:
        return "healthy", ""
    moved = updates.nan_to_num(0.0).max().item()
    if not moved and not log.has_moved and gradients.nan_to_num(0.0).max() > 0:
        return "no step", (f"no weight has moved in {log.steps[-1] + 1} steps, though gradients arrive: the optimizer holds the "
                           "weights of another model, its learning rate is 0, or step() is never called")
    if not moved and not log.has_moved:
        return "no gradient", f"no weight has moved in {log.steps[-1] + 1} steps, and all gradients are 0: the loss asks for nothing"
    if log.added_up > 1 and log.added_up >= MOST * log.followed:
        return "gradients add up", (f"{log.added_up} of {log.followed} steps were made with the gradients of the step before still "
                                    "in them: zero_grad is missing")
    dead = [name for name, share in zip(log.names[:-1], log.dead[-1].tolist()) if share > 1 - 1e-9]
    if dead:
        return "dead", f"every unit of {dead[0]} is 0 for every sample of the last batch, and learns nothing from it"
    if since := _alike_since(log):
        return "no better than a constant", (f"since step {since} at the latest the model answers every input alike (its outputs "
                                             f"differ by {log.apart[-1]:.1e} of their size), and its loss is that of a constant"
                                             + _cause(log))
    if 0 < moved < STEP_TOO_SMALL:
        return "step too small", f"no layer moves by more than {moved:.1e} of its size in a step"
    return "healthy", ""


def _alike_since(log):
    """The step from which on the outputs have been alike, and are not spreading; 0 if they are not, or it is too early."""
    if log.steps[-1] < STEPS:
        return 0
    later = log.steps >= log.steps[-1] / 2
    apart = log.apart[later]
    if not (apart < ALIKE).all() or apart[-1] > SPREADING * apart[0] > 0:
        return 0
    return log.steps[later][0].item()


def _cause(log):
    """What the last sample says of the way there: saturated units, or a gradient that has vanished in the first layer."""
    full = [name for name, share in zip(log.names, log.saturated[-1].tolist()) if share > 1 - SHRUNK]
    if full:
        return f". All units of {full[0]} are saturated"
    first, last = log.weight_gradient_norm[-1, [0, -1]].tolist()
    if len(log.names) > 2 and 0 < first < SHRUNK * last:
        return f". The gradient vanishes: {log.names[0]} gets {first / last:.1e} times that of {log.names[-1]}"
    return ""


def summary(log):
    """The log in words: its verdict first, if something is wrong, then how many samples, and what the last one tells."""
    if not len(log.steps):
        return "nothing recorded yet: a step needs a forward and a backward pass within the block"
    kind, sentence = judge(log)
    samples = "1 sample" if len(log.steps) == 1 else f"{len(log.steps)} samples"
    if kind == "not finite":
        return f"{kind}: {sentence}. {samples}."
    gradients, updates = log.weight_gradient_norm[-1], _known(log.update_ratio[-1]) or [math.nan]
    shares = [f"{name} up to {max(known):.0%}" for name in ("dead", "saturated") if (known := _known(getattr(log, name)[-1]))]
    told = (f"{samples}, the last at step {log.steps[-1]}: gradient norm {gradients[0]:.1e} in {log.names[0]} and "
            f"{gradients[-1]:.1e} in {log.names[-1]}, update/weight {min(updates):.1e} to {max(updates):.1e}"
            + "".join(f", {share}" for share in shares) + ".")
    return f"{kind}: {sentence}. {told}" if sentence else told


def _known(values):
    return [value for value in values.tolist() if not math.isnan(value)]
