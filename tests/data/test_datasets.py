"""The data that ships with the course: shapes, scaling, the split, and that it is the same on every call."""

import math

import numpy as np
import pytest
import torch

from utils.data import datasets


@pytest.fixture(scope="module")
def digits():
    return datasets.digits()


def test_digits_shapes_and_types(digits):
    assert [tuple(t.shape) for t in digits] == [(1437, 64), (1437,), (360, 64), (360,)]
    assert [t.dtype for t in digits] == [torch.float64, torch.int64] * 2
    assert digits.x is digits[0] and digits.y_test is digits[3]


def test_digits_are_standardized_by_the_training_pixels(digits):
    assert digits.x.mean().item() == pytest.approx(0, abs=1e-12)
    assert digits.x.std().item() == pytest.approx(1, abs=1e-12)
    # One scale for all pixels, so corners that are never inked share one value.
    assert (digits.x[:, 0] == digits.x[0, 0]).all()
    # The test images are scaled by the same numbers: close to, but not exactly, standardized.
    assert 0 < abs(digits.x_test.mean().item()) < 0.05


def test_digits_are_the_shipped_images_each_once(digits):
    with np.load(datasets.DIGITS_FILE) as file:
        images, labels = file["images"].reshape(-1, 64), file["labels"]
    x = torch.cat([digits.x, digits.x_test])
    # Undo the scaling by two known values: ink runs from 0 to 16.
    ink = ((x - x.min()) / (x.max() - x.min()) * 16).round().to(torch.int64)
    ours = sorted(zip(ink.tolist(), torch.cat([digits.y, digits.y_test]).tolist()))
    assert images.min() == 0 and images.max() == 16
    assert ours == sorted(zip(images.astype(int).tolist(), labels.tolist()))


def test_training_and_test_images_are_disjoint(digits):
    assert not {tuple(row) for row in digits.x.tolist()} & {tuple(row) for row in digits.x_test.tolist()}


@pytest.mark.parametrize("part", ["y", "y_test"])
def test_every_digit_is_about_equally_frequent(digits, part):
    labels = getattr(digits, part)
    share = labels.bincount(minlength=10) / len(labels)
    # Random split of balanced classes: the standard error of a share is sqrt(0.1 * 0.9 / 360) = 0.016 at most.
    assert len(share) == 10 and (share - 0.1).abs().max() < 4 * 0.016


def test_digits_are_shuffled(digits):
    """In the file the writers come one after another; the first and the last images are of all of them."""
    with np.load(datasets.DIGITS_FILE) as file:
        labels = torch.from_numpy(file["labels"]).long()
    assert not torch.equal(digits.y, labels[:1437])


def test_digits_are_the_same_on_every_call_and_spare_the_global_generator(digits):
    before = torch.get_rng_state()
    again = datasets.digits()
    assert all(torch.equal(a, b) for a, b in zip(digits, again, strict=True))
    assert torch.equal(torch.get_rng_state(), before)


def test_digits_in_single_precision(digits):
    single = datasets.digits(torch.float32)
    assert single.x.dtype == single.x_test.dtype == torch.float32
    torch.testing.assert_close(single.x.double(), digits.x, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("n", [0, 1, 7, 400])
def test_spirals_shapes_and_balance(n):
    x, y = datasets.spirals(n)
    assert x.shape == (n, 2) and y.shape == (n,) and x.dtype == torch.float64 and y.dtype == torch.int64
    assert y.sum().item() == n // 2


def test_spirals_lie_on_their_arms_without_noise():
    x, y = datasets.spirals(300, noise=0.0, turns=1.5)
    radius = x.norm(dim=1)
    assert radius.max() <= 1
    angle = torch.atan2(x[:, 1], x[:, 0])
    turned = angle - 2 * math.pi * 1.5 * radius - math.pi * y
    torch.testing.assert_close(turned.cos(), torch.ones(300, dtype=torch.float64))  # equal up to whole turns


def test_spirals_noise_has_the_stated_spread():
    clean, _ = datasets.spirals(5000, noise=0.0)
    noisy, _ = datasets.spirals(5000, noise=0.2)
    assert (noisy - clean).std().item() == pytest.approx(0.2, rel=5 / math.sqrt(2 * 10_000))  # five standard errors


def test_spirals_from_a_seed_spare_the_global_generator():
    before = torch.get_rng_state()
    (first, _), (again, _), (other, _) = datasets.spirals(seed=1), datasets.spirals(seed=1), datasets.spirals(seed=2)
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)
    assert datasets.spirals(dtype=torch.float32)[0].dtype == torch.float32


@pytest.mark.parametrize("lag", [0, 1, 30])
def test_recall_asks_for_the_first_symbol_among_others(lag):
    x, y = datasets.recall(500, lag, symbols=3)
    assert x.shape == (500, lag + 1) and x.dtype == torch.uint8 and y.dtype == torch.int64
    assert torch.equal(x[:, 0].long(), y) and set(y.tolist()) == {0, 1, 2}
    assert lag == 0 or set(x[:, 1:].unique().tolist()) == {3, 4, 5}


def test_the_rest_of_a_recall_tells_nothing():
    x, y = datasets.recall(20_000, 1)
    for answer in range(4):  # each distractor follows each first symbol equally often, within five standard errors
        share = (x[y == answer, 1] == 4).double().mean().item()
        assert share == pytest.approx(0.25, abs=5 * math.sqrt(0.25 * 0.75 / 5000))


def test_adding_marks_one_number_in_either_half_and_asks_for_their_sum():
    x, y = datasets.adding(300, 11)
    numbers, marks = x.unbind(2)
    assert x.shape == (300, 11, 2) and y.shape == (300, 1)
    assert (marks[:, :5].sum(1) == 1).all() and (marks[:, 5:].sum(1) == 1).all()
    torch.testing.assert_close((numbers * marks).sum(1, keepdim=True), y)
    assert 0 <= numbers.min() and numbers.max() < 1


def test_always_answering_one_misses_the_sum_by_a_sixth():
    _, y = datasets.adding(40_000, 2)
    assert (y - 1).square().mean().item() == pytest.approx(1 / 6, rel=0.03)


@pytest.mark.parametrize("make", [datasets.recall, datasets.adding])
def test_sequences_from_a_seed_spare_the_global_generator(make):
    before = torch.get_rng_state()
    first, again, other = make(20, 10, seed=1), make(20, 10, seed=1), make(20, 10, seed=2)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(map(torch.equal, first, again)) and not torch.equal(first[0], other[0])
