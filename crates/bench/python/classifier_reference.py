"""The reference for the classifier of `rekindle train sentiment`: the same model and loss in PyTorch.

    pip install torch
    python3 classifier_reference.py

Prints the numbers of the test `losses_and_gradients_are_those_of_pytorch`, for small models with each pool that has no
weights of its own: weights are simple functions of their index.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

TEXTS = [[1, 2, 3, 4], [5, 1], [2, 2, 5]]
LABELS = [0, 1, 1]


class Classifier(nn.Module):
    def __init__(self, words, classes, embedding, hidden, cell, layers, pooling):
        super().__init__()
        self.cell, self.pooling = cell, pooling
        self.embedding = nn.Embedding(words, embedding)
        self.recurrent = {"gru": nn.GRU, "lstm": nn.LSTM}[cell](embedding, hidden, layers, bidirectional=True)
        self.output = nn.Linear((3 if pooling == "concat" else 1) * 2 * hidden, classes)

    def forward(self, texts):
        lengths = torch.tensor([len(text) for text in texts])
        tokens = nn.utils.rnn.pad_sequence([torch.tensor(text) for text in texts])
        packed = pack_padded_sequence(self.embedding(tokens), lengths, enforce_sorted=False)
        outputs, last = self.recurrent(packed)
        outputs, _ = pad_packed_sequence(outputs)
        states = last[0] if self.cell == "lstm" else last
        valid = (torch.arange(outputs.shape[0])[:, None] < lengths)[:, :, None]
        pools = {
            "last": torch.cat([states[-2], states[-1]], 1),
            "max": outputs.masked_fill(~valid, -math.inf).amax(0),
            "mean": outputs.sum(0) / lengths[:, None],
        }
        if self.pooling == "concat":
            return self.output(torch.cat([pools["last"], pools["max"], pools["mean"]], 1))
        return self.output(pools[self.pooling])


def wave(shape, start):
    """Numbers between -1 and 1 that any language makes alike."""
    count = math.prod(shape)
    return torch.sin(torch.arange(count, dtype=torch.float64) * 0.7 + start).float().view(shape)


def fixture(cell, layers, pooling):
    model = Classifier(6, 2, 3, 2, cell, layers, pooling)
    for index, (_, parameter) in enumerate(sorted(model.named_parameters())):
        parameter.data = wave(parameter.shape, index)
    loss = F.cross_entropy(model(TEXTS), torch.tensor(LABELS))
    loss.backward()
    print(f"{cell} {layers} {pooling}: {loss.item():.6f}")
    for name, parameter in sorted(model.named_parameters()):
        if parameter.dim() > 1:
            gradient = parameter.grad
            print(f'    ("{name}", {gradient.abs().sum().item():.6f}, {gradient.flatten()[-1].item():.7f}),')


if __name__ == "__main__":
    for case in [("lstm", 1, "concat"), ("gru", 2, "concat"), ("lstm", 1, "last"), ("gru", 1, "max"), ("gru", 1, "mean")]:
        fixture(*case)
