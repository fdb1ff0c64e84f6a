"""The PyTorch side of `rekindle bench`, which runs this script and asks it for the work.

Says {"torch": VERSION} or {"error": WHY}, then answers each line of standard input,

    {"work": "train", "cell": "lstm", "layers": 1, "hidden": 256, "batch": 64, "time": 64,
     "symbols": 65, "threads": 2, "steps": 5, "sampled": 1000}

with a line {"seconds": S, "peak_bytes": P}: the time of these steps, or of writing `sampled` symbols, and the most memory
that the process has held so far (null where the system does not say).
"""

import json
import sys
import time


def say(message):
    print(json.dumps(message), flush=True)


try:
    import torch
    from torch import nn
except ImportError as error:
    say({"error": str(error)})
    sys.exit()


class CharLm(nn.Module):
    def __init__(self, cell, layers, hidden, symbols):
        super().__init__()
        layer = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[cell]
        self.symbols = symbols
        self.recurrent = layer(symbols, hidden, num_layers=layers)
        self.output = nn.Linear(hidden, symbols)

    def forward(self, tokens, state):
        one_hot = nn.functional.one_hot(tokens, self.symbols).float()
        hidden, state = self.recurrent(one_hot, state)
        return self.output(hidden), state


class Training:
    """Steps with the state carried and cut, the global norm bounded by 5, and Adam."""

    def __init__(self, model, batch, time):
        self.model, self.state = model, None
        self.optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
        self.tokens, self.targets = torch.randint(model.symbols, (2, time, batch))

    def run(self, steps, sampled):
        for _ in range(steps):
            logits, state = self.model(self.tokens, self.state)
            loss = nn.functional.cross_entropy(logits.flatten(0, 1), self.targets.flatten())
            self.state = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
            self.optimizer.step()


class Sampling:
    """Symbols drawn one by one, each read before the next is drawn."""

    def __init__(self, model):
        self.model = model

    @torch.inference_mode()
    def run(self, steps, sampled):
        symbol, state = torch.zeros(1, 1, dtype=torch.long), None
        for _ in range(sampled):
            logits, state = self.model(symbol, state)
            symbol = torch.multinomial(logits.view(-1).softmax(0), 1).view(1, 1)
            symbol.item()


def peak_bytes():
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return None


def main():
    say({"torch": torch.__version__})
    current, work = None, None
    for line in sys.stdin:
        ask = json.loads(line)
        steps, sampled = ask.pop("steps"), ask.pop("sampled")
        if ask != current:
            torch.set_num_threads(ask["threads"])
            model = CharLm(ask["cell"], ask["layers"], ask["hidden"], ask["symbols"])
            work = Training(model, ask["batch"], ask["time"]) if ask["work"] == "train" else Sampling(model)
            current = ask
        started = time.perf_counter()
        work.run(steps, sampled)
        say({"seconds": time.perf_counter() - started, "peak_bytes": peak_bytes()})


main()
