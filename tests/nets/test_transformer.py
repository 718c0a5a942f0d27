"""The small transformer against PyTorch's own encoder layer, and its switches."""

import pytest
import torch
from torch import nn

from utils.nets.transformer import Transformer


def batch(n=5, seed=1):
    return torch.randn(n, 64, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("heads", [1, 4])
def test_a_layer_computes_what_pytorch_s_encoder_layer_computes(norm, heads):
    net = Transformer(1, 16, heads, norm=norm)
    for parameter in net.parameters():  # biases and norms of other values than 0 and 1, too
        nn.init.normal_(parameter, std=0.3)
    theirs = nn.TransformerEncoderLayer(16, heads, 32, dropout=0.0, batch_first=True, norm_first=norm == "pre").double()
    attention, forward = net.sublayers
    theirs.self_attn.in_proj_weight.data = attention.to_qkv.weight.data
    theirs.self_attn.in_proj_bias.data = attention.to_qkv.bias.data
    theirs.self_attn.out_proj.load_state_dict(attention.mix.state_dict())
    theirs.linear1.load_state_dict(forward[0].state_dict())
    theirs.linear2.load_state_dict(forward[2].state_dict())
    theirs.norm1.load_state_dict(net.norms[0].state_dict())
    theirs.norm2.load_state_dict(net.norms[1].state_dict())
    first, _, last = net.stream(batch())
    torch.testing.assert_close(last, theirs(first))


@pytest.mark.parametrize("norm", ["pre", "post", None])
@pytest.mark.parametrize("skip", [True, False])
def test_shapes_and_that_everything_is_trained(norm, skip):
    net = Transformer(3, 16, norm=norm, skip=skip)
    stream = net.stream(batch())
    assert [tuple(a.shape) for a in stream] == [(5, 8, 16)] * 7
    assert torch.equal(net(batch()), net.head(stream[-1])) and net(batch()).shape == (5, 10)
    nn.functional.cross_entropy(net(batch()), torch.arange(5)).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in net.parameters())


def test_a_skip_adds_the_stream():
    with_skip, without = Transformer(1, 16, norm=None), Transformer(1, 16, norm=None, skip=False)
    first = with_skip.stream(batch())[0]
    torch.testing.assert_close(with_skip.stream(batch())[1], without.stream(batch())[1] + first)


def test_a_seed_fixes_the_weights_and_spares_the_global_generator():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first, again, other = Transformer(2, seed=3), Transformer(2, seed=3), Transformer(2, seed=4)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first(batch()), again(batch())) and not torch.equal(first(batch()), other(batch()))
    assert Transformer(2, dtype=torch.float32)(batch().float()).dtype == torch.float32


def test_the_order_of_the_rows_matters():
    rows = batch().unflatten(1, (8, 8))
    assert not torch.allclose(Transformer(1)(batch()), Transformer(1)(rows.flip(1).flatten(1)))


@pytest.mark.parametrize("arguments, sentence", [
    ({"layers": 0}, "layers is a whole number"), ({"width": 2.5}, "width is a whole number"),
    ({"heads": 0}, "heads is a whole number"), ({"heads": 5}, "multiple of the heads"),
    ({"norm": "middle"}, "unknown norm"), ({"norm": []}, "unknown norm"), ({"seed": -1}, "seed is a whole number"),
])  # fmt: skip
def test_a_bad_argument_is_one_clear_sentence(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        Transformer(**{"layers": 1, **arguments})
