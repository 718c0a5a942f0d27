"""Every activation against PyTorch's module and autograd, far out on both sides too, and its stated facts."""

import math

import pytest
import torch

from utils import activations

NAMES = list(activations.ACTIVATIONS)
DTYPES = [torch.float32, torch.float64]


def points(dtype):
    """Ordinary z, and z where e^z overflows, underflows, or 1 - s has lost its last digit."""
    extreme = torch.tensor([-800.0, -104.0, -89.0, -40.0, -17.0, 0.0, 17.0, 40.0, 89.0, 104.0, 800.0])
    return torch.cat([torch.linspace(-8, 8, 321), extreme]).to(dtype)


def autograd_slope(activation, z):
    z = z.clone().requires_grad_()
    return torch.autograd.grad(activation.torch_class()(z).sum(), z)[0]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_value_is_that_of_the_torch_module(name, dtype):
    activation, z = activations.get(name), points(dtype)
    # A few roundings apart: two formulas for the same number.
    torch.testing.assert_close(
        activation.value(z), activation.torch_class()(z), rtol=8 * torch.finfo(dtype).eps, atol=0
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_slope_is_that_of_autograd(name, dtype):
    activation, z = activations.get(name), points(dtype)
    slope = activation.slope(z)
    assert slope.isfinite().all()
    # PyTorch forms 1 - s, and so has an absolute error of one rounding of 1 where the slope is tiny.
    torch.testing.assert_close(slope, autograd_slope(activation, z), rtol=1e-5, atol=2 * torch.finfo(dtype).eps)


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


def test_relu_slope_at_the_kink_is_zero_as_in_torch():
    zero = torch.zeros(1, dtype=torch.float64)
    assert activations.relu_slope(zero).item() == 0 == autograd_slope(activations.get("relu"), zero).item()


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
    values = activation.value(points(torch.float64))
    low, high = activation.limits
    assert low <= values.min() and values.max() <= high
    for limit, reached in ((low, values.min()), (high, values.max())):
        # The grid ends at 800, so "unbounded" means that the value gets there too.
        assert abs(reached) == 800 if math.isinf(limit) else reached == pytest.approx(limit, abs=1e-15)


@pytest.mark.parametrize("name", NAMES)
def test_monotone_means_that_no_step_goes_down(name):
    activation = activations.get(name)
    steps = activation.value(torch.linspace(-6, 6, 20_001, dtype=torch.float64)).diff()
    assert activation.monotone == bool((steps >= 0).all())


@pytest.mark.parametrize("name", NAMES)
def test_smooth_means_that_the_slope_does_not_jump(name):
    activation = activations.get(name)
    step = 1e-4
    jumps = activation.slope(torch.arange(-6, 6, step, dtype=torch.float64)).diff().abs()
    # The second derivatives of sigmoid and tanh are below 1, so a smooth slope moves by less than the step.
    assert activation.smooth == bool((jumps < step).all())


@pytest.mark.parametrize(("name", "steepest"), [("sigmoid", 0.25), ("tanh", 1.0), ("relu", 1.0), ("identity", 1.0)])
def test_the_largest_slope(name, steepest):
    slopes = activations.get(name).slope(torch.linspace(-6, 6, 1201, dtype=torch.float64))
    assert slopes.max().item() == pytest.approx(steepest, abs=1e-15)


@pytest.mark.parametrize("unknown", ["Sigmoid", "swish", "", None, 3, ["relu"], torch.zeros(2)])
def test_an_unknown_name_is_one_sentence_with_the_known_ones(unknown):
    with pytest.raises(ValueError, match=r"unknown activation .*: choose one of ") as error:
        activations.get(unknown)
    assert all(name in str(error.value) for name in NAMES) and "\n" not in str(error.value)


def test_the_registry_calls_everything_by_its_own_name():
    assert all(activations.get(name).name == name for name in NAMES)
