"""What a training run, or a race of several, leaves behind: losses, accuracy, records, and how it ended."""

from dataclasses import dataclass, field

import torch


@dataclass(repr=False)
class History:
    """What a training run left behind.

    loss: the loss on each batch, before that batch's step (the last one is nan or inf if the run diverged).
    accuracy: share of x classified correctly after the last step, in 0..1; None if this is no classification.
    steps: the steps taken.
    stopped: whether the run was ended early, by the Stop button or by a kernel interrupt.
    reached: whether the run ended early because `until` was satisfied.
    diverged: whether the run ended because the loss, or the net's output, was no longer a finite number.
    recorded: name -> tensor (records, ...), what each function of `record` returned, stacked along time.
    recorded_steps: the number of steps taken before each record.
    """

    loss: list[float] = field(default_factory=list)
    accuracy: float | None = None
    steps: int = 0
    stopped: bool = False
    reached: bool = False
    diverged: bool = False
    recorded: dict[str, torch.Tensor] = field(default_factory=dict)
    recorded_steps: list[int] = field(default_factory=list)

    def __str__(self):
        steps = "1 step" if self.steps == 1 else f"{self.steps} steps"
        if self.diverged:
            return f"diverged after {steps}, the loss is no longer a finite number"
        ending = "stopped" if self.stopped else "goal reached" if self.reached else ""
        words = [f"{ending} after {steps}"] if ending else []
        if self.loss:
            words.append(f"last loss {self.loss[-1]:.3g}")
        if self.accuracy is not None:
            words.append(f"accuracy {self.accuracy:.1%}")
        return ", ".join(words)

    def __repr__(self):
        return f"<History: {self}>"


class Runs(dict):
    """The histories of a race, name -> History."""

    @property
    def stopped(self):
        """Whether any of the runs was ended early, by the Stop button or by a kernel interrupt."""
        return any(run.stopped for run in self.values())
