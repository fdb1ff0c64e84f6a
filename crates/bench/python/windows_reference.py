"""The reference for `rekindle eval --window-stride`: an exported language model in PyTorch, judged over windows of a text.

    pip install torch safetensors && python3 windows_reference.py EXPORT shakespeare.txt [from to length stride batch]

EXPORT is a folder that `rekindle export` wrote. The defaults are the protocol of joshuachak/char-rnn-pytorch-mps: the share of
the text from 0.90 to 0.95, windows of 50 characters that begin at every character, a state of zeros, the mean over the
means of batches of 32. A last line multiplies the input of the second layer by 1.25.
"""

import json
import sys

import torch
from safetensors.torch import load_file
from torch import nn

folder, path = sys.argv[1:3]
given = [float(number) for number in sys.argv[3:]]
begin, end, length, stride, batch = given + [0.90, 0.95, 50, 1, 32][len(given):]
length, stride, batch = int(length), int(stride), int(batch)

weights = load_file(f"{folder}/model.safetensors")
shape = json.load(open(f"{folder}/config.json"))["model"]
symbols = {s: i for i, s in enumerate(json.load(open(f"{folder}/vocab.json"))["symbols"])}


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(len(symbols), shape["embedding"])
        kind = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[shape["cell"]]
        self.rnn = kind(shape["embedding"], shape["hidden"], shape["layers"], batch_first=True)
        self.output = nn.Linear(shape["hidden"], len(symbols))

    def forward(self, x):
        return self.output(self.rnn(self.embedding(x))[0])


model = Model()
model.load_state_dict(weights)

text = open(path, encoding="utf-8", newline="").read()
first = int(len(text) * begin)
part = torch.tensor([symbols[s] for s in text[first:first + int(len(text) * (end - begin) + 1e-6)]])
# A window whose last target is the last symbol of the part, and none beyond.
windows = part.unfold(0, length + 1, stride)


@torch.no_grad()
def judge():
    losses = []
    for start in range(0, len(windows), batch):
        x = windows[start:start + batch]
        losses.append(nn.functional.cross_entropy(model(x[:, :-1]).flatten(0, 1), x[:, 1:].flatten()).item())
    return sum(losses) / len(losses), len(losses)


loss, batches = judge()
print(f"{len(windows)} windows, mean of {batches} batch means: {loss:.4f} nats")
if shape["layers"] > 1:
    model.rnn.weight_ih_l1.data *= 1.25
    print(f"with the input of the second layer x 1.25: {judge()[0]:.4f} nats")
