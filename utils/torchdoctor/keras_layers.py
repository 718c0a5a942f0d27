"""Keras 3 on its torch backend: its layers are modules, and keep their children, weights and activations in ways of their own.

Nothing of Keras is imported: a layer is known by its base class. What Keras calls a kernel has the units on its last
axis, where torch has them on the first; an activation that is an argument of a layer is a function called inside it.
"""

import functools

from torch import nn

# Name of a Keras function, which is also that of its string -> torch's class of the same function.
KINDS = {"relu": "ReLU", "sigmoid": "Sigmoid", "tanh": "Tanh", "softmax": "Softmax", "log_softmax": "LogSoftmax", "gelu": "GELU",
         "silu": "SiLU", "elu": "ELU", "selu": "SELU", "leaky_relu": "LeakyReLU", "mish": "Mish", "softplus": "Softplus",
         "hard_sigmoid": "Hardsigmoid", "celu": "CELU", "relu6": "ReLU6", "softsign": "Softsign"}  # fmt: skip
# Layers whose kernels have no axis of units on either side; what reads tokens has rows and no units.
NO_UNITS = ("Embedding", "EinsumDense")


@functools.cache
def _is_keras_class(kind):
    return any(base.__name__ == "TorchLayer" and base.__module__.startswith("keras.") for base in kind.__mro__)


def is_keras(module):
    """Whether a module is a layer or model of Keras 3."""
    return _is_keras_class(type(module))


def is_unbuilt(model):
    """Whether a model holds a layer of Keras that has no weights yet, since it has not seen an input."""
    return any(is_keras(module) and not module.built for module in modules_of(model).values())


def modules_of(model):
    """Name -> module, as `dict(model.named_modules())` has it; of Keras, the layers by their own names, each but once.

    A recurrent layer stands for its cell, and a layer for an activation that is its argument.
    """
    modules = {}
    inside = ()
    for name, module in model.named_modules():
        if inside and name.startswith(inside):
            continue  # the bookkeeping of a Keras model, or layers that are known by now
        if is_keras(module):
            inside += (f"{name}." if name else "",)
            modules |= _layers_of(name, module)
        else:
            modules[name] = module
    return modules


def _layers_of(name, layer):
    if wrapped := layer._modules.get("module"):  # a torch module inside a Keras model
        return {".".join(filter(None, [name, inner])): module for inner, module in wrapped.named_modules()}
    found = {name: layer}
    if hasattr(layer, "cell"):
        return found
    children = getattr(layer, "layers", None)
    if not isinstance(children, list):
        children = layer._flatten_layers(include_self=False, recursive=False)
    for child in children:
        if child is not vars(layer).get("activation"):
            found |= _layers_of(".".join(filter(None, [name, child.name])), child)
    return found


def variables(layer):
    """The tensors of a Keras layer's own, and of a recurrent layer those of its cells: what may change, and what may not."""
    inner = [layer]
    if hasattr(layer, "cell"):
        inner = [layer, *layer._flatten_layers(include_self=False)]
    return [variable.value for one in inner for variable in (*one._trainable_variables, *one._non_trainable_variables)]


def kept_states(modules):
    """Of the Keras layers among these modules, what a forward pass may write: statistics, and the seeds of random numbers."""
    found = {}
    for module in modules:
        if is_keras(module):
            # seeds are variables of generators, which are no layers
            known = [variable.value for variable in module.variables] if module.built else []
            found |= {id(value): value for value in known if not value.requires_grad}
    return list(found.values())


def rows(module, weight):
    """A weight, or its gradient, with the units of its layer on the first axis."""
    if is_keras(module) and type(module).__name__ not in NO_UNITS:
        return weight.movedim(-1, 0)
    return weight


def gates(module):
    """How many blocks of units a recurrent layer of Keras has in each matrix; 1 for any other layer."""
    cell = getattr(module, "cell", None)
    return {"LSTMCell": 4, "GRUCell": 3}.get(type(cell).__name__, 1)


def unit_axis(module):
    """The axis of a layer's output on which its units lie."""
    return 1 if getattr(module, "data_format", "") == "channels_first" else -1


def kind_of(module):
    """Class of the nonlinearity that a Keras layer is, or calls as its last step; "" for none."""
    if not is_keras(module) or hasattr(module, "cell"):
        return ""
    function = vars(module).get("activation")
    function = getattr(function, "__wrapped__", function)
    if function is None:
        name = type(module).__name__
        return name if type(module).__module__.startswith("keras.src.layers.activations.") and name in KINDS.values() else ""
    if isinstance(function, nn.Module):
        return kind_of(function) or type(function).__name__
    name = getattr(function, "__name__", "")
    return "" if name == "linear" else KINDS.get(name, name)


def listen_inside(layer, heard):
    """Let a layer with an activation of its own call heard(z) -> z before it; returns a function that takes this back."""
    function = vars(layer)["activation"]

    def activation(z, *args, **keywords):
        return function(heard(z), *args, **keywords)

    activation.__wrapped__ = function  # by which `kind_of` still knows it
    vars(layer)["activation"] = activation  # not setattr: Keras keeps a book of what is set
    return lambda: vars(layer).update(activation=function)


def exchange(layer, module):
    """Put a torch module in the place of what a Keras layer calls as its last step; False for any other module."""
    if not is_keras(layer):
        return False
    if "activation" in vars(layer):
        vars(layer)["activation"] = module
    else:
        vars(layer)["call"] = lambda inputs, *_, **__: module(inputs)
    return True


def is_keras_loss(loss_fn):
    """Whether a loss is one of Keras': an object or a function that takes (y_true, y_pred), in this order."""
    kind = loss_fn if hasattr(loss_fn, "__name__") else type(loss_fn)
    return str(getattr(kind, "__module__", "")).startswith("keras.src.losses.")


def kernel(layer):
    """(kernel, bias or None) of a dense or convolutional layer of Keras, as tensors; None for any other module."""
    if not is_keras(layer) or type(layer).__name__ in NO_UNITS or not hasattr(layer, "_kernel"):
        return None
    return layer._kernel.value, None if layer.bias is None else layer.bias.value
