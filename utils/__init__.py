"""The door to the course's helper package: a chapter asks here for a name, and gets it from its room.

Ten rooms, imported in one direction (README has the table). The core is about 950 lines of code (1,500 with their words),
an hour's reading, in eight files: `nets/mlp`, `nets/initialization`, `torchdoctor/measurement`, `torchdoctor/layer_calls`, `theory/meanfield`,
`training/loop`, `figures/plots`, and `widgets/explorer`. All else serves these.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # for editors and type checkers, which do not run `__getattr__`
    from utils import progress
    from utils.data import datasets, song, timeline
    from utils.exercises import clinic, quiz
    from utils.exercises.claims import claim
    from utils.exercises.tables import table
    from utils.figures import blocks, causes, cells, diagrams, fans, networks, plots, style, sums
    from utils.nets import activations, initialization
    from utils.nets.mlp import MLP, Stack
    from utils.nets.recurrent import Reader, Team, chrono_, keep_, make_cell
    from utils.nets.residual import DenseNet, HighwayNet, NormedNet, ResidualNet
    from utils.nets.transformer import Transformer
    from utils.theory import meanfield, phase
    from utils.theory.through_time import measure_through_time
    from utils.torchdoctor import diagnose, watch
    from utils.torchdoctor.measurement import measure
    from utils.training.loop import fit, race
    from utils.widgets.explorer import explore, predict, show

_ROOMS = {  # name -> where it is: that module, or something in it
    "datasets": "data.datasets",
    "song": "data.song",
    "timeline": "data.timeline",
    "clinic": "exercises.clinic",
    "quiz": "exercises.quiz",
    "claim": "exercises.claims",
    "table": "exercises.tables",
    "blocks": "figures.blocks",
    "causes": "figures.causes",
    "cells": "figures.cells",
    "diagrams": "figures.diagrams",
    "fans": "figures.fans",
    "networks": "figures.networks",
    "plots": "figures.plots",
    "style": "figures.style",
    "sums": "figures.sums",
    "activations": "nets.activations",
    "initialization": "nets.initialization",
    "MLP": "nets.mlp",
    "Stack": "nets.mlp",
    "Reader": "nets.recurrent",
    "Team": "nets.recurrent",
    "chrono_": "nets.recurrent",
    "keep_": "nets.recurrent",
    "make_cell": "nets.recurrent",
    "DenseNet": "nets.residual",
    "HighwayNet": "nets.residual",
    "NormedNet": "nets.residual",
    "ResidualNet": "nets.residual",
    "Transformer": "nets.transformer",
    "progress": "progress",
    "meanfield": "theory.meanfield",
    "phase": "theory.phase",
    "measure_through_time": "theory.through_time",
    "diagnose": "torchdoctor",
    "watch": "torchdoctor",
    "measure": "torchdoctor.measurement",
    "fit": "training.loop",
    "race": "training.loop",
    "explore": "widgets.explorer",
    "predict": "widgets.explorer",
    "show": "widgets.explorer",
}
_ROOMS |= {path.stem: f"answers.{path.stem}" for path in sorted(Path(__file__).parent.glob("answers/chapter*.py"))}
__all__ = list(_ROOMS)


def __getattr__(name):
    """Load what is asked for, and no more: torch takes a second, and half of the course does not need the widgets."""
    if name not in _ROOMS:
        raise AttributeError(f"module 'utils' has no attribute {name!r}")
    module = import_module(f"utils.{_ROOMS[name]}")
    return module if module.__name__.endswith(f".{name}") else getattr(module, name)


def __dir__():
    return sorted([*globals(), *__all__])
