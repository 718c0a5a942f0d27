"""An optimizer that does not hold the model's weights, where one is given."""

from .finding import Remedy, found, remark


def find(exam):
    """Yield "optimizer of another model", or the remark "left out of the optimizer" for some of the weights."""
    used = exam.optimizer
    if used is None:
        return
    if used.is_foreign:
        yield found("optimizer of another model", exam.layers, f"the {used.name} holds the weights of another model, and none "
                    "of this one: its steps change nothing here", weights=len(used.left_out))
        return
    layers = [layer for layer in exam.layers if any(name.startswith(layer.name + ".") for name in used.left_out)]
    if layers:
        some = ", ".join(used.left_out[:3]) + (", ..." if len(used.left_out) > 3 else "")
        yield remark("left out of the optimizer", layers, f"the {used.name} does not hold {some}: no step moves what it does "
                     "not hold", weights=len(used.left_out))


def prescribe(finding, exam, model):
    """Make the optimizer of this model's parameters, after the model."""
    used = exam.optimizer
    after = f"make the optimizer after the model, of its own weights: {used.name}(model.parameters(), lr={used.lr:g})"
    if finding.is_remark:
        return Remedy(f"if these are to learn, too, {after}", "1")
    return Remedy(f"{after}, and anew wherever the model is made anew", "1")
