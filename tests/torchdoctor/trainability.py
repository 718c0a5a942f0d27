"""Does a verdict tell what training will do? Random nets, labelled by training them and not by hand.

    python -m tests.torchdoctor.trainability        about ten minutes

Each net has a random activation, depth, weight scale, norm and skip. It *learns* if some learning rate takes it to 90 %
of the digits within 300 steps of gradient descent with momentum; `diagnose` sees it before the first step.
"""

import random
from collections import Counter

import torch

from utils import diagnose
from utils.data.datasets import digits
from utils.nets.mlp import MLP
from utils.training.loop import fit

NETS = 120
RATES = (1e-2, 1e-3, 1e-1, 1e-4)


def draw(rng, seed):
    """The settings of a random net."""
    return {
        "activation": rng.choice(["sigmoid", "tanh", "relu", "elu", "gelu", "selu", "softplus", "leaky_relu"]),
        "depth": rng.choice([2, 3, 4, 6, 8, 10, 15, 20, 30]), "sigma_w": round(10 ** rng.uniform(-0.5, 0.6), 2),
        "norm": rng.choice([None, None, None, "batch", "layer"]), "skip": rng.random() < 0.25, "seed": seed,
        "dtype": torch.float32,
    }  # fmt: skip


def best_accuracy(settings, data):
    """The best accuracy that 300 steps reach with one of the learning rates."""
    def is_there(net):
        return (net(data.x[:500]).argmax(1) == data.y[:500]).float().mean() > 0.9

    best = 0.0
    for lr in RATES:
        run = fit(MLP(**settings), data.x, data.y, steps=300, lr=lr, until=is_there, every=25, live=False)
        best = max(best, run.accuracy or 0.0)
        if best > 0.9:
            break
    return best


def main():
    """Print each net on which verdict and training disagree, and the four numbers."""
    torch.set_num_threads(1)
    data, rng, counts = digits(torch.float32), random.Random(1), Counter()
    for seed in range(NETS):
        settings = draw(rng, seed)
        report = diagnose(MLP(**settings), data.x[:128], data.y[:128])
        accuracy = best_accuracy(settings, data)
        learns, healthy = accuracy >= 0.9, report.verdict == "healthy"
        counts[f"{'learns' if learns else 'does not learn'}, called {'healthy' if healthy else 'sick'}"] += 1
        if learns != healthy:
            ratio = report.layers[0].delta_norm / report.layers[-1].delta_norm
            print(f"{accuracy:.2f} {report.verdict:10} first/last {ratio:.1e} {settings}", flush=True)
    print(dict(counts))


if __name__ == "__main__":
    main()
