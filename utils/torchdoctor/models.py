"""Which models can be examined, and what to pass in the place of one that cannot: one sentence each."""

from collections.abc import Iterator, Mapping

import torch
from torch import nn

from . import keras_layers
from .errors import WrongType, WrongValue
from .graph import kept


def check_model(model):
    """Return a model's parameters by name; raise TypeError or ValueError with one sentence unless it can be examined."""
    check_type(model)
    parameters, modules = dict(model.named_parameters()), list(model.modules())
    _check_kind(model, modules)
    _check_weights(model, parameters, modules)
    return parameters


def check_type(model):
    """Raise TypeError with one sentence unless a model is an `nn.Module`."""
    if isinstance(model, nn.Module):
        return
    said, advice = type(model).__name__, ""
    if isinstance(model, type):
        said, advice = f"the class {model.__name__}", f": pass an instance, {model.__name__}(...)"
    elif isinstance(model, Iterator):
        advice = ": pass the model itself, not its parameters()"
    elif isinstance(model, torch.optim.Optimizer):
        advice = ": an optimizer goes to optimizer=, behind model and x"
    elif isinstance(model, (list, tuple)) and model and all(isinstance(part, nn.Module) for part in model):
        advice = ": nn.Sequential(*layers) makes a model of them"
    elif isinstance(model, Mapping):
        advice = ": of a state_dict, make the model and load_state_dict into it"
    elif type(model).__name__ == "ExportedProgram":
        advice = ": diagnose the model that it was made of"
    raise WrongType(f"the model must be an nn.Module, got {said}{advice}")


def _check_kind(model, modules):
    """Refuse what cannot be called, or heard, or trained."""
    if any(isinstance(module, torch.jit.ScriptModule) for module in modules):
        raise WrongType("torch.jit has compiled the model, or a layer of it, and its layers cannot be heard: diagnose the "
                        "nn.Module that it was made of")
    if type(model).forward is nn.Module.forward and "forward" not in vars(model):
        advice = ("make an nn.Sequential of it" if isinstance(model, (nn.ModuleList, nn.ModuleDict)) else
                  "is it spelled so, and indented below the class?")
        raise WrongType(f"{type(model).__name__} has no forward, so that it cannot be called: {advice}")
    if any(type(module).__module__.startswith(("torch.ao.nn.quantized", "torch.nn.quantized")) for module in modules):
        raise WrongType("the model is quantized, and whole numbers are not trained: diagnose it as it was before")


def _check_weights(model, parameters, modules):
    """Refuse weights that are none, not yet there, or without numbers."""
    if keras_layers.is_unbuilt(model) or any(map(nn.parameter.is_lazy, parameters.values())):
        raise WrongValue("the model has layers without a size yet (Lazy..., or Keras without an Input): run it once on x, then "
                         "diagnose it")
    if not parameters:
        is_kept = any(True for module in modules for value in vars(module).values() for _ in kept(value))
        listed = ": what a Python list or dict keeps is not the model's, make it an nn.ModuleList" if is_kept else ""
        raise WrongValue(f"the model has no parameters, so there is nothing that could learn{listed}")
    if any(p.is_meta for p in parameters.values()):
        raise WrongValue("the model lies on the meta device, which has shapes and no numbers: model.to_empty(device=\"cpu\"), then "
                         "initialize or load its weights")
    if any(p.is_inference() for p in parameters.values()):
        raise WrongValue("the model was made under torch.inference_mode, where nothing can be differentiated: make it outside")
