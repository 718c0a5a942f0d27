"""Questions about time: axes that are taken for each other, windows, recurrent nets by hand."""

import torch
from torch import nn
from torch.optim import SGD, Adam

from tests.wild import data
from tests.wild.question import HEALTHY, Case, question


class Reader(nn.Module):
    """An LSTM over (samples, steps, features), the answer from its last output."""

    def __init__(self, inputs, hidden, outputs, batch_first):
        super().__init__()
        self.lstm, self.out = nn.LSTM(inputs, hidden, batch_first=batch_first), nn.Linear(hidden, outputs)

    def forward(self, x):
        return self.out(self.lstm(x)[0][:, -1])


@question(
    "https://github.com/yunjey/pytorch-tutorial/issues/196", "LSTM question",
    fault="batch_first is False and the input stayed (samples, rows, columns): the LSTM reads across samples.",
    says="Output 5 depends on inputs 0 to 4: the first axis is taken for time. Set batch_first=True.",
    right="samples mixed", also=["vanishing in time", "no better than a constant"], steps=200, enough=0.8,
)  # fmt: skip
def rows_of_digits(fixed=False):
    x, y = data.images(512)
    model = Reader(8, 48, 10, batch_first=fixed)
    return Case(model, x[:, 0], y, nn.CrossEntropyLoss(), Adam(model.parameters(), lr=0.01))


@question(
    "https://github.com/StefOe/indrnn-pytorch/issues/3", "Can not converge with LSTM",
    fault="The LSTM of the adding problem gets (samples, steps, 2), and takes the first axis for time.",
    says="Each output depends on the inputs of other samples: set batch_first=True.",
    right="samples mixed", also=["vanishing in time", "no better than a constant"], steps=400, enough=0.7,
)  # fmt: skip
def adding_problem(fixed=False):
    numbers, marks = torch.rand(256, 12), torch.zeros(256, 12)
    for row in marks:
        row[torch.randperm(12)[:2]] = 1.0
    model = Reader(2, 32, 1, batch_first=fixed)
    x = torch.stack([numbers, marks], 2)
    return Case(model, x, (numbers * marks).sum(1, keepdim=True), nn.MSELoss(), Adam(model.parameters(), lr=0.01))


@question(
    "https://github.com/DeepReinforcementLearning/DeepReinforcementLearningInAction/issues/32",
    "Chap.4. softmax(dim=1)",
    fault="Softmax(dim=0) is right for one state, and for a batch it shares the probability out among the samples.",
    says="The columns of the output sum to 1, and the rows do not: Softmax(dim=-1).",
    right=["samples mixed", "output does not fit"], steps=150, enough=0.85,
)  # fmt: skip
def softmax_over_the_batch(fixed=False):
    states = torch.randn(96, 4)
    actions = (states[:, 2] + 0.5 * states[:, 3] > 0).long()
    model = nn.Sequential(nn.Linear(4, 150), nn.LeakyReLU(), nn.Linear(150, 2), nn.Softmax(dim=-1 if fixed else 0))

    def of_actions(probabilities, actions):
        return -torch.log(probabilities.gather(1, actions[:, None])).mean()

    def probability_of_the_right_action(net):  # for a batch, as the training uses it
        return net(states).gather(1, actions[:, None]).mean()

    return Case(model, states, actions, of_actions, Adam(model.parameters(), lr=0.009), probability_of_the_right_action)


class Forecaster(nn.Module):
    """The asker's net: an LSTM over the window, its last output through two dense layers to the future."""

    def __init__(self, future):
        super().__init__()
        self.lstm = nn.LSTM(1, 32, batch_first=True)
        for name, weight in self.lstm.named_parameters():
            if "weight_ih" in name:
                nn.init.xavier_uniform_(weight)
            elif "weight_hh" in name:
                nn.init.orthogonal_(weight)
            else:
                nn.init.zeros_(weight)
        layers = [nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, future)]  # a list that Sequential owns
        for layer in layers[::2]:
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
        self.decoder = nn.Sequential(*layers)

    def forward(self, x):
        return self.decoder(self.lstm(x)[0][:, -1])


@question(
    "https://discuss.pytorch.org/t/loss-not-decreasing-in-lstm-network/159152", "Loss not decreasing in LSTM network",
    fault="None in the net that is shown: on a series of waves it learns (lr was not told; Adam at 0.01 here).",
    says="Nothing; at most a remark how far back it hears.",
    right=HEALTHY, learns=True, steps=120, enough=0.8,
)  # fmt: skip
def forecaster():
    start, speed = 6.3 * torch.rand(64, 1), 0.15 + 0.2 * torch.rand(64, 1)
    waves = torch.sin(start + speed * torch.arange(56))
    model = Forecaster(8)
    return Case(model, waves[:, :48, None], waves[:, 48:], nn.MSELoss(), Adam(model.parameters(), lr=0.01))


class HandRNN(nn.Module):
    """The tutorial's recurrent net of two linear layers, from zeros, letter by letter."""

    def __init__(self, inputs=26, hidden=64, outputs=6):
        super().__init__()
        self.hidden_size = hidden
        self.i2h, self.i2o = nn.Linear(inputs + hidden, hidden), nn.Linear(inputs + hidden, outputs)
        self.softmax = nn.LogSoftmax(dim=1)

    def forward(self, letters):
        hidden = letters.new_zeros(len(letters), self.hidden_size)
        for letter in letters.unbind(1):
            combined = torch.cat([letter, hidden], 1)
            hidden, output = self.i2h(combined), self.i2o(combined)
        return self.softmax(output)


@question(
    "https://github.com/spro/practical-pytorch/issues/9", "char-rnn-classification parameters update method confusion",
    fault="The net was made twice, and the optimizer holds the first one's weights: nothing moves. The net is well.",
    says="The optimizer holds none of the model's weights; nothing about the net.",
    right=["optimizer of another model", HEALTHY, "unowned weights"], also=["no nonlinearity"], steps=300, enough=0.6,
)  # fmt: skip
def net_made_twice(fixed=False):
    x, y = data.names()
    model = HandRNN()
    owner = model if fixed else HandRNN()
    return Case(model, x, y, nn.NLLLoss(), SGD(owner.parameters(), lr=0.02))


@question(
    "https://github.com/mrdbourke/pytorch-deep-learning/issues/399", "loss remains the same",
    fault="The optimizer got model_0.parameters(), and model_1 is trained. The net is well.",
    says="The optimizer holds none of the model's weights; nothing about the net.",
    right=["optimizer of another model", HEALTHY, "unowned weights"], steps=1000,
)  # fmt: skip
def optimizer_of_another(fixed=False):
    x = torch.arange(0, 1, 0.02)[:40, None]
    model, other = nn.Linear(1, 1), nn.Linear(1, 1)
    return Case(model, x, 0.7 * x + 0.3, nn.MSELoss(), SGD((model if fixed else other).parameters(), lr=0.1))

