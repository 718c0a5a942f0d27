"""Questions whose fault is at the end: output, loss and labels do not fit each other."""

import torch
from torch import nn
from torch.nn import functional as F
from torch.optim import SGD, Adam, RMSprop

from tests.wild import data
from tests.wild.question import Case, question


@question(
    "https://github.com/shaoxiongji/federated-learning/issues/9", "Pytorch CrossEntropy function contains softmax",
    fault="A softmax stands before CrossEntropyLoss, which has its own.",
    says="The rows of the output sum to 1: remove the softmax, the loss has one. It learns, but slowly.",
    right="output does not fit", steps=250,
)  # fmt: skip
def softmax_before_cross_entropy(fixed=False):
    x, y = data.digits()
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10), nn.Identity() if fixed else nn.Softmax(1))
    return Case(model, x, y, nn.CrossEntropyLoss(), SGD(model.parameters(), lr=0.01, momentum=0.5))


@question(
    "https://github.com/eriklindernoren/PyTorch-YOLOv3/issues/108", "Some problems with loss",
    fault="A sigmoid stands before CrossEntropyLoss: scores in 0..1 cannot make one of 80 classes likely.",
    says="Scores between 0 and 1 cannot bring the loss below 3.4: remove the sigmoid.",
    right="output does not fit", also=["step too small"], steps=200, enough=0.5,
)  # fmt: skip
def sigmoid_before_cross_entropy(fixed=False):
    x, y = torch.randn(16, 32), torch.arange(16) * 5
    model = nn.Sequential(nn.Linear(32, 64), nn.LeakyReLU(0.1), nn.Linear(64, 80))
    if not fixed:
        model.append(nn.Sigmoid())

    def probability_of_the_right_class(net):
        return torch.exp(-F.cross_entropy(net(x), y))

    return Case(model, x, y, nn.CrossEntropyLoss(), Adam(model.parameters(), lr=1e-2), probability_of_the_right_class)


@question(
    "https://github.com/avBuffer/UNet3plus_pth/issues/23", "bug: bceloss not decrease",
    fault="The model ends in a sigmoid, and the loss, BCEWithLogitsLoss, applies another one: no pixel is background.",
    says="The output lies in 0..1, and the loss takes logits: remove the sigmoid from the model.",
    right="output does not fit", steps=150, enough=0.95,
)  # fmt: skip
def sigmoid_before_logits_loss(fixed=False):
    x, y = data.squares()
    model = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(),
                          nn.Conv2d(8, 1, 1), nn.Identity() if fixed else nn.Sigmoid())  # fmt: skip

    def share_of_right_pixels(net):
        return ((torch.sigmoid(net(x)) > 0.5) == (y > 0.5)).float().mean()

    return Case(model, x, y, nn.BCEWithLogitsLoss(), RMSprop(model.parameters(), lr=1e-2), share_of_right_pixels)


class Bag(nn.Module):
    """A text classifier: the mean of the words' vectors, a hidden layer, one score a class, and an `end`."""

    def __init__(self, end, words=40, classes=4):
        super().__init__()
        self.words, self.hidden, self.out = nn.Embedding(words, 16), nn.Linear(16, 32), nn.Linear(32, classes)
        self.end = end

    def forward(self, tokens):
        return self.end(self.out(torch.relu(self.hidden(self.words(tokens).mean(1)))))


@question(
    "https://github.com/AnubhavGupta3377/Text-Classification-Models-Pytorch/issues/9", "NLLLoss",
    fault="NLLLoss gets probabilities where it takes their logarithms; the loss is negative from the start.",
    says="NLLLoss needs log_softmax, and the output is a softmax: the loss cannot be negative otherwise.",
    right="output does not fit", learns=True, steps=200,
)  # fmt: skip
def nll_of_probabilities(fixed=False):
    y = torch.arange(128) % 4
    own, any_word = y[:, None] * 10 + torch.randint(10, (128, 12)), torch.randint(40, (128, 12))
    x = torch.where(torch.rand(128, 12) < 0.5, own, any_word)
    model = Bag(nn.LogSoftmax(1) if fixed else nn.Softmax(1))
    return Case(model, x, y, nn.NLLLoss(), Adam(model.parameters(), lr=1e-2))


class LetterLSTM(nn.Module):
    """Two layers of LSTM over the letters of a name, one score a language from the last state."""

    def __init__(self, end):
        super().__init__()
        self.input_layer = nn.Linear(26, 32)
        self.rnn_layer = nn.LSTM(32, 32, 2, dropout=0.05, batch_first=True)
        self.output_layer, self.end = nn.Linear(32, 6), end

    def forward(self, letters):
        return self.end(self.output_layer(self.rnn_layer(self.input_layer(letters))[0][:, -1]))


@question(
    "https://github.com/spro/practical-pytorch/issues/69", "char-rnn-classification exercise",
    fault="The log-softmax was lost with the change to an LSTM: NLLLoss of raw scores falls below 0 without an end.",
    says="NLLLoss needs log_softmax, and the rows of exp(output) do not sum to 1: add it, or use CrossEntropyLoss.",
    right="output does not fit", steps=250, enough=0.7,
)  # fmt: skip
def nll_of_raw_scores(fixed=False):
    x, y = data.names()
    model = LetterLSTM(nn.LogSoftmax(1) if fixed else nn.Identity())
    return Case(model, x, y, nn.NLLLoss(), Adam(model.parameters(), lr=0.005))


@question(
    "https://github.com/gcr/torch-residual-networks/issues/1", "BROKEN: Does not converge",
    fault="A ReLU stands between the scores and the log-softmax: no class can be made unlikely (here in PyTorch).",
    says="All scores are at least 0, because a ReLU comes last: remove it.",
    right="output does not fit", also=["dead", "no gradient"], steps=250,
)  # fmt: skip
def relu_before_log_softmax(fixed=False):
    x, y = data.digits()
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10), nn.Identity() if fixed else nn.ReLU(),
                          nn.LogSoftmax(1))  # fmt: skip
    return Case(model, x, y, nn.NLLLoss(), SGD(model.parameters(), lr=0.1))


@question(
    "https://github.com/jiecaoyu/pytorch-nin-cifar10/issues/1", "Test accuracy stays the same",
    fault="A ReLU comes last, lr is 0.1, and after a few steps every score is exactly 0: the loss stays at ln 10.",
    says="Every output is 0, because a ReLU comes last: the gradient is exactly 0, and nothing can move any more.",
    right=["no gradient", "output does not fit"], also=["dead", "collapsed", "no better than a constant"], steps=300,
    enough=0.8,
)  # fmt: skip
def relu_last_and_silent(fixed=False):
    x, y = data.images()
    last = nn.Conv2d(16, 10, 1)
    model = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), last,
                          nn.Identity() if fixed else nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(),
                          nn.Unflatten(1, (10, 4)), nn.AvgPool1d(4), nn.Flatten())  # fmt: skip
    if not fixed:
        nn.init.constant_(last.bias, -4.0)  # where the first large steps had brought it
    return Case(model, x, y, nn.CrossEntropyLoss(), Adam(model.parameters(), lr=0.02) if fixed
                else SGD(model.parameters(), lr=0.1, momentum=0.9))  # fmt: skip


@question(
    "https://github.com/ultralytics/yolov3/issues/191", "one class training",
    fault="Cross-entropy over a single class is 0 whatever the net says.",
    says="Cross-entropy over one output is 0 for every input, and asks for nothing. Two classes need two outputs.",
    right=["no gradient", "output does not fit"], also=["collapsed"], steps=150,
)  # fmt: skip
def one_class(fixed=False):
    x = torch.randn(64, 16)
    is_object = (x[:, 0] > 0).long()
    model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 2 if fixed else 1))
    labels = is_object if fixed else torch.zeros_like(is_object)
    return Case(model, x, labels, nn.CrossEntropyLoss(), Adam(model.parameters(), lr=1e-2),
                lambda net: (net(x).argmax(1) == is_object).float().mean())  # fmt: skip


@question(
    "https://github.com/junyanz/pytorch-CycleGAN-and-pix2pix/issues/304", "Training CycleGAN with 2D data",
    fault="The generator ends in tanh, and the standardized data reach from -10 to 10.",
    says="The output reaches from -1 to 1, and the targets from -10 to 10: scale them to -1..1, or leave tanh out.",
    right="output does not fit", also=["saturated"], steps=300, enough=0.8,
)  # fmt: skip
def tanh_for_wide_targets(fixed=False):
    x = 3 * torch.randn(48, 1, 12, 12).clamp(-3.3, 3.3)
    x = x / 10 if fixed else x
    model = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(),
                          nn.Conv2d(16, 1, 3, padding=1), nn.Tanh())  # fmt: skip
    return Case(model, x, x, nn.L1Loss(), Adam(model.parameters(), lr=2e-3))


class Scores(nn.Module):
    """How plausible a triple (head, relation, tail) of a knowledge graph is: a raw score."""

    def __init__(self, end):
        super().__init__()
        self.entities, self.relations, self.end = nn.Embedding(20, 16), nn.Embedding(3, 16), end

    def forward(self, triples):
        head, tail = self.entities(triples[:, 0]), self.entities(triples[:, 2])
        return self.end((head * self.relations(triples[:, 1]) * tail).sum(1))


@question(
    "https://github.com/pykeen/pykeen/issues/87", "Support only BCEAfterSigmoidLoss and BCEWithLogits but not BCELoss",
    fault="BCELoss gets raw scores, and takes probabilities: the training ends in an error.",
    says="BCELoss takes probabilities, and the output reaches from -9 to 9: use BCEWithLogitsLoss.",
    right="output does not fit", steps=150,
)  # fmt: skip
def bce_of_raw_scores(fixed=False):
    x = torch.stack([torch.randint(20, (96,)), torch.randint(3, (96,)), torch.randint(20, (96,))], 1)
    y = ((x[:, 0] + x[:, 2]) % 2).float()
    model = Scores(nn.Identity())
    loss = nn.BCEWithLogitsLoss() if fixed else nn.BCELoss()
    return Case(model, x, y, loss, Adam(model.parameters(), lr=0.05),
                lambda net: ((net(x) > 0) == (y > 0)).float().mean())  # fmt: skip


@question(
    "https://discuss.pytorch.org/t/output-of-the-model-depends-on-the-shape-of-the-weights-tensor/148155",
    "Output of the model depends on the shape of the weights tensor",
    fault="Outputs (1024, 1) and targets (1024,) make a loss over all 1024 x 1024 pairs.",
    says="Each output is compared with every target: y.unsqueeze(1).",
    right="broadcast target", also=["no better than a constant"], steps=500, enough=0.99,
)  # fmt: skip
def sum_of_three(fixed=False):
    x = torch.rand(1024, 3)
    y = x.sum(1, keepdim=True) if fixed else x.sum(1)
    model = nn.Sequential(nn.Linear(3, 1, bias=False))
    nn.init.zeros_(model[0].weight)
    return Case(model, x, y, nn.MSELoss(), SGD(model.parameters(), lr=0.1))


@question(
    "https://github.com/pytorch/pytorch/issues/63546",
    "loss not descent, while tensorflow do! Do I code in wrong way? Help!",
    fault="Outputs (500, 1) and targets (500,) are broadcast, and plain SGD at 1e-3 is slow for eight layers besides.",
    says="Each output is compared with every target: y.unsqueeze(1).",
    right="broadcast target", also=["no better than a constant", "step too small", "vanishing", "collapsed"], steps=300,
    enough=0.7,
)  # fmt: skip
def sine_of_a_product(fixed=False):
    x, y = data.product_sine()
    model = data.stack([2, *[100] * 7, 1], nn.ReLU)
    if fixed:
        return Case(model, x, y, nn.L1Loss(), Adam(model.parameters(), lr=1e-3))
    return Case(model, x, y[:, 0], nn.L1Loss(), SGD(model.parameters(), lr=1e-3))


@question(
    "https://discuss.pytorch.org/t/why-the-model-fail-to-converge-without-a-manul-weight-initialization/50431",
    "Why the model fail to converge without a manul weight initialization?",
    fault="Outputs (N, 1) and targets (N,) are broadcast; the manual weight made the outputs 1-dimensional, too.",
    says="Each output is compared with every target: squeeze the output, or unsqueeze the target.",
    right="broadcast target", also=["no better than a constant", "input too large", "target too large"], steps=700,
)  # fmt: skip
def five_and_three(fixed=False):
    x = 100 * torch.randn(1000, 2)
    y = x @ torch.tensor([5.0, 3.0]) + torch.randn(1000)
    model = nn.Linear(2, 1, bias=False)
    return Case(model, x, y[:, None] if fixed else y, nn.MSELoss(), RMSprop(model.parameters(), lr=0.01))
