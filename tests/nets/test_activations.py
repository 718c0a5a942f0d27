"""Every activation against PyTorch's module and autograd, far out on both sides too, and its stated facts."""

import math

import pytest
import torch
from torch.nn import functional

from utils.nets import activations

NAMES = list(activations.ACTIVATIONS)
DTYPES = [torch.float32, torch.float64]
# PyTorch writes these as z (1 + erf) / 2 and z (1 + tanh) / 2, and so loses digits on the left; the course does not.
ROUNDED_BY_TORCH = {"gelu", "gelu_tanh"}


def points(dtype):
    """Ordinary z, and z where e^z overflows, underflows, or 1 - s has lost its last digit."""
    extreme = torch.tensor([-800.0, -104.0, -89.0, -40.0, -17.0, 0.0, 17.0, 40.0, 89.0, 104.0, 800.0])
    return torch.cat([torch.linspace(-8, 8, 321), extreme]).to(dtype)


def module_of(activation, dtype):
    return activation.torch_class().to(dtype)  # PReLU has a parameter, and parameters are born in single precision


def autograd_slope(activation, z):
    z = z.clone().requires_grad_()
    return torch.autograd.grad(module_of(activation, z.dtype)(z).sum(), z)[0]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_value_is_that_of_the_torch_module(name, dtype):
    activation, z = activations.get(name), points(dtype)
    eps = torch.finfo(dtype).eps
    # A few roundings apart: two formulas for the same number.
    atol = 8 * eps if name in ROUNDED_BY_TORCH else 0
    torch.testing.assert_close(activation.value(z), module_of(activation, dtype)(z).detach(), rtol=8 * eps, atol=atol)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_slope_is_that_of_autograd(name, dtype):
    activation, z = activations.get(name), points(dtype)
    slope = activation.slope(z)
    assert slope.isfinite().all()
    # PyTorch forms 1 - s, and so has an absolute error of one rounding of 1 where the slope is tiny.
    atol = (32 if name in ROUNDED_BY_TORCH else 2) * torch.finfo(dtype).eps
    torch.testing.assert_close(slope, autograd_slope(activation, z), rtol=1e-5, atol=atol)


@pytest.mark.parametrize(
    ("value", "slope", "theirs"),
    [
        (activations.leaky_relu, activations.leaky_relu_slope, functional.leaky_relu),
        (activations.elu, activations.elu_slope, functional.elu),
        (activations.silu, activations.silu_slope, lambda z, beta: functional.silu(beta * z) / beta),
    ],
)
@pytest.mark.parametrize("parameter", [0.1, 0.5, 2.0])
def test_a_parameter_is_that_of_torch(value, slope, theirs, parameter):
    z = torch.linspace(-8, 8, 321, dtype=torch.float64, requires_grad=True)
    expected = theirs(z, parameter)
    torch.testing.assert_close(value(z, parameter), expected)
    torch.testing.assert_close(slope(z, parameter), torch.autograd.grad(expected.sum(), z)[0])


def test_swish_goes_from_half_the_identity_to_relu():
    z = torch.linspace(-8, 8, 321, dtype=torch.float64)
    torch.testing.assert_close(activations.silu(z, 0.0), z / 2)
    torch.testing.assert_close(activations.silu(z, 1000.0), activations.relu(z))


@pytest.mark.parametrize(("name", "scale"), [("sigmoid", 1.0), ("tanh", 2.0)])
def test_slope_keeps_its_digits_on_both_sides(name, scale):
    """s' = e^-|z| (1 + e^-|z|)^-2, which no subtraction spoils; PyTorch's own is 0 beyond z = 37 in double."""
    activation = activations.get(name)
    z = torch.linspace(-300, 300, 601, dtype=torch.float64) / scale
    tail = torch.exp(-scale * z.abs())
    # The exponent 300 carries a relative rounding of 300 eps into its exponential.
    torch.testing.assert_close(activation.slope(z), scale**2 * tail / (1 + tail) ** 2, rtol=1e-12, atol=0)
    assert (activation.slope(z) > 0).all()


def test_sigmoid_is_a_shifted_tanh():
    z = points(torch.float64)
    torch.testing.assert_close(activations.sigmoid(z), 0.5 + activations.tanh(z / 2) / 2)


@pytest.mark.parametrize(("name", "slope"), [("relu", 0.0), ("leaky_relu", 0.01), ("prelu", 0.25), ("elu", 1.0),
                                             ("selu", 1.7580993408473766)])  # fmt: skip
def test_slope_at_the_kink_is_that_from_the_left_as_in_torch(name, slope):
    zero = torch.zeros(1, dtype=torch.float64)
    activation = activations.get(name)
    assert activation.slope(zero).item() == pytest.approx(slope, rel=1e-15)
    assert autograd_slope(activation, zero).item() == pytest.approx(slope, rel=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_shape_and_dtype_are_kept(name):
    activation = activations.get(name)
    for shape in [(), (0,), (3,), (2, 3, 4)]:
        for dtype in DTYPES:
            z = torch.full(shape, 0.3, dtype=dtype)
            for result in (activation.value(z), activation.slope(z)):
                assert (result.shape, result.dtype) == (z.shape, dtype)


@pytest.mark.parametrize("name", NAMES)
def test_limits_are_kept_and_approached(name):
    activation = activations.get(name)
    # The steps of 1e-5 miss a minimum by at most their square.
    values = activation.value(torch.cat([points(torch.float64), torch.arange(-3, 0, 1e-5, dtype=torch.float64)]))
    low, high = activation.limits
    assert low <= values.min() + 1e-15 and values.max() <= high + 1e-15
    for limit, reached, end in ((low, values.min(), -1.0), (high, values.max(), 1.0)):
        far, farther = activation.value(end * torch.tensor([800.0, 1600.0], dtype=torch.float64))
        if math.isinf(limit):  # "unbounded" means that the value grows in proportion
            assert reached == far and farther.item() == pytest.approx(2 * far.item()) and far * limit > 0
        elif abs(reached - limit) > 1e-10:  # a tail like 1 / z: twice as far out, half as far from the limit
            assert (farther - limit).item() == pytest.approx((far - limit).item() / 2, rel=1e-2)


@pytest.mark.parametrize("name", NAMES)
def test_monotone_means_that_no_step_goes_down(name):
    activation = activations.get(name)
    steps = activation.value(torch.linspace(-6, 6, 20_001, dtype=torch.float64)).diff()
    assert activation.monotone == bool((steps >= 0).all())


@pytest.mark.parametrize("name", NAMES)
def test_smooth_means_that_the_slope_does_not_jump(name):
    activation = activations.get(name)
    most, fewer = (activation.slope(torch.arange(-6, 6, step, dtype=torch.float64)).diff().abs().max()
                   for step in (1e-4, 5e-5))
    # With half the step a continuous slope moves half as far, and one that jumps as far as before; a constant one not at all.
    assert activation.smooth == bool(fewer <= 0.6 * most)


@pytest.mark.parametrize("unknown", ["Sigmoid", "swish", "", None, 3, ["relu"], torch.zeros(2)])
def test_an_unknown_name_is_one_sentence_with_the_known_ones(unknown):
    with pytest.raises(ValueError, match=r"unknown activation .*: choose one of ") as error:
        activations.get(unknown)
    assert all(name in str(error.value) for name in NAMES) and "\n" not in str(error.value)


def test_the_registry_calls_everything_by_its_own_name():
    assert all(activations.get(name).name == name for name in NAMES)
