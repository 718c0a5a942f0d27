"""What a kernel executes at its start so that its trainings end after one step: for pages of which only the looks count.

It runs among the names of the notebook, and goes into the profile of the kernels of one test's server (see `lab.jupyterlab`); what is shipped knows nothing of it.
"""

import ast
import functools

from IPython import get_ipython

from utils.exercises import claims
from utils.training import loop


class NoAsserts(ast.NodeTransformer):
    """What is asserted of a trained net does not hold for one of a single step."""

    def visit_Assert(self, node):
        """Leave nothing of an `assert`."""
        return ast.copy_location(ast.Pass(), node)


def of_one_step(race):
    """Return `race`, which takes a single step, whatever it is told."""

    @functools.wraps(race)
    def race_of_one_step(*arguments, **settings):
        return race(*arguments, **{**settings, "steps": 1})

    return race_of_one_step


def claim(id, sentence, holds, unless=(), only=()):
    """Say what is claimed, which takes its place on the page, and judge nothing."""
    print(f"✔ {sentence}")


claims.claim = claim
loop.race = of_one_step(loop.race)  # before a chapter, or a room, takes it from there
get_ipython().ast_transformers.append(NoAsserts())
