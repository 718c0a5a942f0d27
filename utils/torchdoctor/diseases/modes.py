"""Batch norms whose running statistics are not those of the data: train and eval mode disagree."""

from .finding import Remedy, found

# The outputs of the two modes then lie farther apart than the outputs of different samples. Small nets of batch norms, trained
# for 25 to 300 steps with torch's momentum of 0.1, lie at 0.1 to 0.4 (on 8 samples: up to 0.6), with 0.001 at 1.1 to 1.3.
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
