"""Questions whose numbers are too large or too small, whose depth is too much, or whose net is only linear."""

import torch
from torch import nn
from torch.optim import SGD, Adam

from tests.wild import data
from tests.wild.question import Case, question


@question(
    "https://github.com/krshrimali/Linear-Regression-using-PyTorch-CPP/issues/11",
    "Getting Nan's for the Loss function",
    fault="House data as they come, with columns up to 700, and lr = 1e-3: 644, 1e7, 1e38, nan.",
    says="Standardize the columns: inputs of size 160 allow steps of 1e-5 only.",
    right=["input too large", "step too large"], also=["target too large", "exploding"], steps=100,
)  # fmt: skip
def houses(fixed=False):
    scale = torch.tensor([8.0, 20, 10, 0.3, 0.6, 6, 70, 4, 10, 400, 18, 370, 12])
    x = scale * (1 + 0.4 * torch.randn(256, 13))
    y = 22 + 5 * (data.standardized(x)[:, 5:6] - data.standardized(x)[:, 12:]) + torch.randn(256, 1)
    model = nn.Linear(13, 1)
    x, lr = (data.standardized(x), 0.05) if fixed else (x, 1e-3)
    return Case(model, x, y, nn.MSELoss(), SGD(model.parameters(), lr=lr))


@question(
    "https://forums.fast.ai/t/help-with-simple-celcius-to-f-linear-regression-using-pytorch-gradient-descent-autograd/18783",
    "Help with simple (celcius to f) linear regression using PyTorch (Gradient Descent + Autograd)",
    fault="Inputs from -500 to 500: any lr that suits the slope is a hundred thousand times too small for the bias.",
    says="Standardize the inputs: they are hundreds in size, and slope and bias then need different learning rates.",
    right="input too large", also=["target too large", "step too small", "step too large"], steps=500,
)  # fmt: skip
def celsius(fixed=False):
    celsius = 1000 * torch.rand(200, 1) - 500
    model = nn.Linear(1, 1)
    x = data.standardized(celsius) if fixed else celsius
    offset = (1.8 * celsius + 32).mean() if fixed else torch.tensor(32.0)  # what the bias is to be

    def bias_found(net):
        return 1 - (net.bias - offset).abs().item() / offset.abs()

    lr = 0.1 if fixed else 5e-6
    return Case(model, x, 1.8 * celsius + 32, nn.MSELoss(), SGD(model.parameters(), lr=lr), bias_found)


@question(
    "https://discuss.pytorch.org/t/finding-coefficients-of-a-polynomial-through-linear-regression/71751",
    "Finding coefficients of a polynomial through linear regression",
    fault="Columns x^2 and x for x up to 5, a summed loss and momentum: lr = 0.01 is far beyond what is stable.",
    says="At lr = 0.01 each step overshoots: the curvature allows 1e-3 at most. Standardize the columns.",
    right=["step too large", "input too large"], also=["exploding"], steps=300,
)  # fmt: skip
def polynomial(fixed=False):
    points = torch.linspace(2, 5, 3)
    x = torch.stack([points**2, points], 1)
    model = nn.Linear(2, 1)
    return Case(model, data.standardized(x) if fixed else x, torch.sin(points)[:, None] + 0.2 * torch.randn(3, 1),
                nn.MSELoss(reduction="sum"), SGD(model.parameters(), lr=0.01, momentum=0.9))  # fmt: skip


@question(
    "https://github.com/haofeixu/cs231n/issues/2", "weight initialization in Pytorch.ipynb for nn.Sequential()",
    fault="The deviation is sqrt(2 / shape[0]), which for torch's (out, in) weights is the fan-out: scores of size 50.",
    says="The last layer's weights are forty times too large: the loss begins far above ln 10. Use fan-in.",
    right=["step too large", "exploding", "saturated"], also=["dead", "collapsed"], steps=40, enough=0.7,
)  # fmt: skip
def fan_out_for_fan_in(fixed=False):
    x, y = data.images(96)
    x = nn.functional.interpolate(x, scale_factor=4)  # as many pixels as the asker's images
    model = nn.Sequential(nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.Conv2d(32, 16, 3, padding=1), nn.ReLU(),
                          nn.Flatten(), nn.Linear(16 * 32 * 32, 10))  # fmt: skip
    for layer in () if fixed else (model[0], model[2], model[5]):
        fan = layer.weight.shape[0] if layer is model[5] else layer.weight[0].numel()
        nn.init.normal_(layer.weight, std=(2 / fan) ** 0.5)
        nn.init.zeros_(layer.bias)
    return Case(model, x, y, nn.CrossEntropyLoss(), SGD(model.parameters(), lr=1e-2, momentum=0.9, nesterov=True))


@question(
    "https://github.com/jcjohnson/pytorch-examples/issues/12", "Why does `nn` module need a higher learning rate?",
    fault="lr = 1e-6 was made for weights of size 1; nn.Linear's are thirty times smaller, and so are the gradients.",
    says="At lr = 1e-6 a step changes the weights by a millionth or two: 1e-4 is stable, too.",
    right="step too small", steps=450,
)  # fmt: skip
def rate_of_another_scale(fixed=False):
    x, y = torch.randn(64, 1000), torch.randn(64, 10)
    model = nn.Sequential(nn.Linear(1000, 100), nn.ReLU(), nn.Linear(100, 10))
    return Case(model, x, y, nn.MSELoss(reduction="sum"), SGD(model.parameters(), lr=1e-4 if fixed else 1e-6))


@question(
    "https://discuss.pytorch.org/t/loss-not-converging-on-a-binary-classification-problem/177433",
    "Loss not converging on a binary classification problem",
    fault="Plain SGD at lr = 1e-4 on 60 samples: in a thousand epochs the net has hardly moved.",
    says="At lr = 1e-4 a step changes the weights by some hundred thousandths: try 0.1, or Adam.",
    right="step too small", also=["no better than a constant"], steps=1000,
)  # fmt: skip
def sixty_samples(fixed=False):
    x = torch.rand(60, 7)
    y = (x[:, 0] + x[:, 1] > x[:, 2] + x[:, 3]).long()
    model = data.stack([7, 60, 100, 30, 2], nn.ReLU)
    for layer in model[::2]:
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)
    return Case(model, x, y, nn.CrossEntropyLoss(), SGD(model.parameters(), lr=0.1 if fixed else 1e-4))


class Gate(nn.Module):
    """The asker's net for "both are equal"; its method `train` is not that of nn.Module."""

    def __init__(self):
        super().__init__()
        self.x1, self.s1, self.x2, self.s2 = nn.Linear(2, 4), nn.Sigmoid(), nn.Linear(4, 1), nn.Sigmoid()

    def init(self):
        """Weights between 0 and 1."""
        nn.init.uniform_(self.x1.weight)
        nn.init.uniform_(self.x2.weight)

    def forward(self, feats):
        return self.s2(self.x2(self.s1(self.x1(feats))))

    def train(self, val_expected, feats_next):
        """Take one step: whoever calls model.train() or model.eval() ends up here."""
        raise NotImplementedError


@question(
    "https://discuss.pytorch.org/t/simple-linear-sigmoid-network-not-learning/98714",
    "Simple Linear/Sigmoid Network not learning",
    fault="Two sigmoids in a row, MSE and plain SGD at 0.01: after a thousand rounds every answer is still about 0.5.",
    says="The steps are far too small for two sigmoids: lr = 1 and more, or a wider net, logits and Adam.",
    right=["step too small", "no better than a constant"],
    also=["vanishing", "saturated", "output does not fit"], steps=1000,
)  # fmt: skip
def equal_or_not(fixed=False):
    x, different = data.xor()
    if fixed:
        model = nn.Sequential(nn.Linear(2, 16), nn.Sigmoid(), nn.Linear(16, 1))
        return Case(model, x, 1 - different, nn.BCEWithLogitsLoss(), Adam(model.parameters(), lr=0.05),
                    lambda net: ((net(x) > 0) == (different < 0.5)).float().mean())  # fmt: skip
    model = Gate()
    model.init()
    return Case(model, x, 1 - different, nn.MSELoss(), SGD(model.parameters(), lr=0.01))


class Copier(nn.Module):
    """Six decoder layers, post-norm, that are to copy what they read, beside a memory that says nothing: (T, N, E)."""

    def __init__(self):
        super().__init__()
        self.decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(42, 7, 64, dropout=0.0), 6)
        self.register_buffer("memory", torch.rand(4, 1, 42))
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(4))

    def forward(self, tgt):
        return self.decoder(tgt, self.memory, tgt_mask=self.mask)


@question(
    "https://github.com/pytorch/tutorials/issues/719",
    "[HELP WANTED]Tutorial for nn.Transformer with nn.TransformerDecoder",
    fault="Adam at lr = 0.05 throws six post-norm layers off in one step: from then on all positions are alike.",
    says="An Adam step of 0.05 is as large as the weights themselves: 1e-3.",
    right="step too large", also=["collapsed"], steps=60, enough=0.6,
)  # fmt: skip
def repeated_tokens(fixed=False):
    tgt = torch.randn(4, 1, 42)
    tgt = (tgt - tgt.mean(-1, keepdim=True)) / tgt.std(-1, keepdim=True)
    model = Copier()
    return Case(model, tgt, tgt, nn.MSELoss(), Adam(model.parameters(), lr=1e-3 if fixed else 0.05))


@question(
    "https://github.com/phlippe/uvadlc_notebooks/issues/119",
    "[Question]Tutorial 3(Pytorch, JAX) Test accuracy for the model with sigmoid activation function",
    fault="Four hidden sigmoid layers and plain SGD: the gradient of the first is thousands of times too small.",
    says="Each sigmoid passes on a fifth of the gradient or less: ReLU or tanh, a norm between the layers, or Adam.",
    right="vanishing", also=["collapsed", "saturated", "step too small", "no better than a constant"], steps=300,
)  # fmt: skip
def sigmoid_tower(fixed=False):
    x, y = data.digits()
    model = data.stack([64, 128, 64, 64, 32, 10], nn.ReLU if fixed else nn.Sigmoid)
    return Case(model, x, y, nn.CrossEntropyLoss(), SGD(model.parameters(), lr=1e-2, momentum=0.9))


@question(
    "https://github.com/pytorch/pytorch/issues/63626", "Simple model training failure: loss does not descent.",
    fault="Eight layers of ten units with default weights: signal and gradient shrink at each, and SGD is slow.",
    says="The outputs hardly differ between inputs, the biases do the work: He's weights, fewer layers, and Adam.",
    right=["collapsed", "vanishing", "step too small"], also=["dead", "no better than a constant"], steps=600,
    enough=0.6,
)  # fmt: skip
def narrow_and_deep(fixed=False):
    x, y = data.product_sine()
    model = data.stack([2, 32, 32, 1] if fixed else [2, *[10] * 7, 1], nn.ReLU)
    optimizer = Adam(model.parameters(), lr=1e-2) if fixed else SGD(model.parameters(), lr=1e-3)
    return Case(model, x, y, nn.L1Loss(), optimizer)


@question(
    "https://discuss.pytorch.org/t/unable-to-learn-xor-representation-using-2-layers-of-multi-layered-perceptron-mlp/13287",
    "Unable to Learn XOR Representation using 2 layers of Multi-Layered Perceptron (MLP)",
    fault="There is nothing between the two linear layers: together they are one, and no line parts XOR.",
    says="No activation lies between the linear layers: they are one linear layer.",
    right="no nonlinearity", also=["no better than a constant"], steps=400,
)  # fmt: skip
def linear_xor(fixed=False):
    x, y = data.xor()
    model = nn.Sequential(nn.Linear(2, 8), nn.ReLU() if fixed else nn.Identity(), nn.Linear(8, 1), nn.Sigmoid())
    return Case(model, x, y, nn.BCELoss(), SGD(model.parameters(), lr=0.5),
                lambda net: ((net(x) > 0.5) == (y > 0.5)).float().mean())  # fmt: skip


@question(
    "https://github.com/YujiaBao/ls/issues/1", "No activation function in MLP?",
    fault="The ReLUs of a three-layer classifier were left out, so it was a linear one.",
    says="No activation lies between the three linear layers: they are one linear layer.",
    right="no nonlinearity", also=["no better than a constant"], steps=300,
)  # fmt: skip
def mlp_without_activations(fixed=False):
    x = torch.randn(200, 2)
    y = (x.norm(dim=1) > 1.18).long()
    act = nn.ReLU if fixed else nn.Identity
    model = nn.Sequential(nn.Linear(2, 32), act(), nn.Dropout(0.1), nn.Linear(32, 32), act(), nn.Linear(32, 2))
    return Case(model, x, y, nn.CrossEntropyLoss(), Adam(model.parameters(), lr=1e-2))
