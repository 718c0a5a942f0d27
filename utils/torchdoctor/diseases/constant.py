"""A net that has been trained, and is no better than an answer that is the same for every sample."""

from .finding import Remedy, found, remark

# A hundredth or two of the constant's loss is R^2 = 0.02: nothing that whoever trained it has in mind.
NO_BETTER = 0.98

# An untrained net is about where a constant is, and that is healthy. Of 43 small nets that learn (tests/wild, corrected) all
# have left it by 5 % of its loss after 40 steps, and one after a plateau of 120. A thousand are evidence, if it is the optimizer that has counted them; torch's own count of
# changes goes on where weights are drawn anew, so that by it, as before a thousand, it is worth knowing and no more.
STEPS, FEW_STEPS = 1000, 100


def find(exam):
    """Yield "no better than a constant", by the number of steps that were made a disease or a remark."""
    constant, least = exam.constant, NO_BETTER * exam.constant.loss
    # Nor is it any better with a part of what it says: one that is too sure, as after overfitting, has learned something.
    if not (constant.loss > 0 and exam.loss >= least and constant.mixed >= least):
        return
    numbers = {"loss": exam.loss, "constant": constant.loss}
    told = f"the loss is {exam.loss:.3g}, and an answer that is the same for every sample would have {constant.loss:.3g}"
    if exam.steps >= FEW_STEPS:
        tell = found if exam.steps >= STEPS else remark
        yield tell("no better than a constant", exam.layers[-1:], f"after {exam.steps} steps of {exam.optimizer.name} {told}",
                   **numbers, steps=exam.steps)
    elif exam.changes >= STEPS and not (exam.optimizer and exam.optimizer.steps):
        yield remark("no better than a constant", exam.layers[-1:], f"the weights of {exam.layers[-1].name} have been changed "
                     f"{exam.changes} times, and {told}", **numbers, changes=exam.changes)


def prescribe(finding, exam, model):
    """What tells a step that is of no use from data that say nothing."""
    return Remedy(f"train it from new weights on thirty samples alone, x, y = x[:30], y[:30]: if the loss stays near {finding.evidence['constant']:.3g} "
                  "even there, try a tenth and ten times the learning rate; if it falls to about 0, look at how x and y are paired and "
                  "shuffled, and at whether x tells y at all", "not in this course")
