"""Batch norms whose running statistics are not those of the data: train and eval mode disagree."""

from .finding import Remedy, found

# The outputs of the two modes then lie farther apart than the outputs of different samples. A net of batch norms that has
# been trained with torch's momentum stays below a tenth of it.
DISAGREE = 1.0


def find(exam):
    """Yield "train and eval disagree", of batch norms that have seen enough batches to have settled."""
    if exam.probes.modes > DISAGREE:
        yield found("train and eval disagree", exam.layers, "in eval mode the outputs differ from those in training by "
                    f"{exam.probes.modes:.2g} times what tells samples apart: the batch norms' running statistics are not "
                    "those of this data", modes=exam.probes.modes)


def prescribe(finding, exam, model):
    """Let the statistics catch up, which takes data."""
    return Remedy("let the running statistics catch up: momentum=0.1 in the batch norms, and some dozen forward passes over the "
                  "training data in train mode; see that the data of eval mode are scaled alike", "5")
