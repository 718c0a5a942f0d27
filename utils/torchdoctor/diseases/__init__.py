"""The diseases: an `Examination` -> what is wrong, worst first, and what to do about it in this model.

One file a family, each with its thresholds and their reasons, and two functions: `find(exam)` yields a `Finding` for each
disease that is there, `prescribe(finding, exam, model)` returns its `Remedy`. To add one, add a file and a line here. What
is worth knowing and no disease is yielded as a `remark` instead: its kind has a line here, too, and it may have no remedy.
"""

from . import (
    attention,
    broadcast_target,
    collapsed,
    constant,
    dead,
    input_scale,
    linear,
    mean,
    mixed,
    modes,
    no_gradient,
    not_finite,
    optimizer,
    output_fit,
    post_norm,
    saturated,
    step_size,
    symmetric,
    target_scale,
    through_depth,
    through_time,
    unowned,
    unreached,
)
from .finding import Finding

FAMILIES = {  # name of a disease -> its file, in the order of treatment: the later ones often follow from the earlier
    "not finite": not_finite,
    "broadcast target": broadcast_target,
    "output does not fit": output_fit,
    "unowned weights": unowned,
    "samples mixed": mixed,
    "frozen": unreached,
    "cut off": unreached,
    "optimizer of another model": optimizer,
    "left out of the optimizer": optimizer,
    "no gradient": no_gradient,
    "symmetric": symmetric,
    "input too large": input_scale,
    "input too small": input_scale,
    "target too large": target_scale,
    "dead": dead,
    "exploding in time": through_time,
    "exploding": through_depth,
    "saturated": saturated,
    "the mean eats the gain": mean,
    "vanishing": through_depth,
    "vanishing in time": through_time,
    "collapsed": collapsed,
    "attention saturated": attention,
    "train and eval disagree": modes,
    "step too large": step_size,
    "step too small": step_size,
    "nothing asked": no_gradient,
    "no better than a constant": constant,
    "no nonlinearity": linear,
    "target too small": target_scale,
    "post-norm stack": post_norm,
}
HIDES = {  # name of a disease -> those that are not told beside it
    # Numbers made of NaN prove nothing else, and these three do not go by the model's numbers alone.
    "not finite": {*FAMILIES} - {"not finite", "broadcast target", "output does not fit", "input too large"},
    "optimizer of another model": {"step too large", "step too small"},  # which it does not make here
    "output does not fit": {"collapsed"},  # outputs that a softmax over one unit or a ReLU has made all alike
    "no gradient": {"vanishing", "vanishing in time", "exploding in time", "collapsed", "step too large", "step too small"},
    "the mean eats the gain": {"vanishing", "collapsed", "step too small"},
    **{cause: {"collapsed", "step too small"} for cause in ("dead", "vanishing", "symmetric")},  # which follow from it
    **{cause: {"collapsed"} for cause in ("input too small", "input too large", "vanishing in time")},
    "target too large": {"step too large"},  # the gradient is as large as the targets
}
for cause in {*FAMILIES} - {"no better than a constant"}:  # which follows from all others
    HIDES[cause] = HIDES.get(cause, set()) | {"no better than a constant"}
# Of the loss of a constant answer, who is below this has learned this batch, and what keeps a net from learning has not kept it:
# its gradient has become small as its loss has, and its signal large as its answers were sure.
DONE = 1e-2
HINDRANCES = {"input too large", "input too small", "dead", "exploding in time", "exploding", "saturated", "the mean eats the gain",
              "vanishing", "vanishing in time", "attention saturated", "step too small"}  # fmt: skip
ERASED = {"no gradient", "dead", "vanishing", "cut off"}  # which follow from a norm that has erased its input, though others go before


def find(exam, model):
    """Return the `Finding`s of the `Examination` of a model with their remedies: diseases, worst first, then remarks."""
    found = [finding for family in dict.fromkeys(FAMILIES.values()) for finding in family.find(exam)]
    if any(finding.kind == "collapsed" and "norms" in finding.evidence and not finding.is_remark for finding in found):
        found = [finding for finding in found if finding.kind not in ERASED]
    for finding in found:
        finding.is_remark |= finding.kind in HINDRANCES and exam.loss < DONE * exam.constant.loss
    hidden = set().union(*(HIDES.get(finding.kind, ()) for finding in found if not finding.is_remark))
    found = [finding for finding in found if finding.kind not in hidden]
    found.sort(key=lambda finding: (finding.is_remark, list(FAMILIES).index(finding.kind)))
    for finding in found:
        if remedy := FAMILIES[finding.kind].prescribe(finding, exam, model):
            finding.remedy, finding.chapter, finding.change = remedy
    return found


__all__ = ["FAMILIES", "HIDES", "Finding", "find"]
