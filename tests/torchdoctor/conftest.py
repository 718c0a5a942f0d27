"""What the tests of torchdoctor share: the same random numbers in every run."""

import pytest
import torch


@pytest.fixture(autouse=True)
def seeded():
    """Modules built in a test draw their weights from the global generator: the same ones in every run."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield
