"""The reference for `rekindle train chars`: the same model, batches and schedule in PyTorch.

    pip install torch && python3 chars_reference.py shakespeare.txt [epochs] [forget_bias]

The first 90 % of the text train, the last 10 % validate; two LSTM layers of 128, embedding 128, 50 streams of 50
characters, Adam 2e-3 that decays by 0.97 an epoch after the tenth, global norm 5. The state is carried.
"""

import sys
import time

import torch
from torch import nn

B, T, H = 50, 50, 128
path, epochs = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 20
forget_bias = float(sys.argv[3]) if len(sys.argv) > 3 else None

text = open(path, encoding="utf-8").read()
symbols = {s: i for i, s in enumerate(dict.fromkeys(text))}
data = torch.tensor([symbols[s] for s in text])
train, valid = data[: int(len(data) * 0.9)], data[int(len(data) * 0.9):]
torch.manual_seed(1)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(len(symbols), H)
        self.rnn = nn.LSTM(H, H, num_layers=2)
        self.output = nn.Linear(H, len(symbols))
        if forget_bias is not None:
            for layer in range(2):
                getattr(self.rnn, f"bias_ih_l{layer}").data[H:2 * H] = forget_bias
                getattr(self.rnn, f"bias_hh_l{layer}").data[H:2 * H] = 0

    def forward(self, x, state):
        hidden, state = self.rnn(self.embedding(x), state)
        return self.output(hidden), state


def batches(part):
    steps = (len(part) - 1) // (B * T)
    length = steps * T
    x, y = part[: B * length].view(B, length).t(), part[1: B * length + 1].view(B, length).t()
    for step in range(steps):
        yield x[step * T:(step + 1) * T], y[step * T:(step + 1) * T]


def loss_of(model, x, y, state):
    logits, state = model(x, state)
    return nn.functional.cross_entropy(logits.reshape(-1, len(symbols)), y.reshape(-1)), state


model = Model()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(epochs):
    started = time.time()
    for group in optimizer.param_groups:
        group["lr"] = 2e-3 * 0.97 ** max(0, epoch + 1 - 10)
    state = None
    for x, y in batches(train):
        loss, state = loss_of(model, x, y, state)
        state = tuple(s.detach() for s in state)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
    seconds = time.time() - started
    with torch.no_grad():
        state, losses = None, []
        for x, y in batches(valid):
            loss, state = loss_of(model, x, y, state)
            losses.append(loss.item())
    print(f"epoch {epoch + 1}: validation {sum(losses) / len(losses):.4f} nats, {seconds:.1f} s", flush=True)
