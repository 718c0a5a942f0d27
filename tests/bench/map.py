"""The bench's part about the phase map: all settings in one pass, against a loop over nets with `measure`."""

import statistics
import time

import torch

from utils.data import datasets
from utils.nets.mlp import MLP
from utils.theory import phase
from utils.torchdoctor.measurement import measure

DEPTHS = range(2, 41, 2)
SIGMAS = (2 ** torch.linspace(-2, 4, 25, dtype=torch.float64)).tolist()


def compare_with_a_loop(repeats):
    """Return (CPU ms of one map of 20 depths x 25 sigma_w, CPU ms of the same nets one by one), medians in turns.

    The map's random numbers are drawn anew each time, as they are for each net of the loop; the batch is the same.
    """
    torch.set_num_threads(1)
    x, y, *_ = datasets.digits()
    x, y = x[:16], y[:16]

    def loop(seed):
        for depth in DEPTHS:
            for sigma_w in SIGMAS:
                measure(MLP(depth, activation="tanh", sigma_w=sigma_w, seed=seed), x, y)

    actions = lambda seed: phase.gradient_map("tanh", x, y, SIGMAS, DEPTHS, seed=seed), loop
    times = [], []
    for seed in range(1 + repeats):  # the first round warms up
        for action, taken in zip(actions, times):
            started = time.process_time()
            action(seed)
            taken.append((time.process_time() - started) * 1000)
    return [statistics.median(taken[1:]) for taken in times]
