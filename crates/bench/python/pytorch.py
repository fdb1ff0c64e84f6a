"""The PyTorch side of `rekindle bench`, which runs this script and asks it for the work.

Says {"torch": VERSION} or {"error": WHY}, then answers each line of standard input,

    {"work": "train", "cell": "lstm", "layers": 1, "hidden": 256, "batch": 64, "time": 64,
     "symbols": 65, "words": [8000, 6000], "vocabulary": 3000, "captions": 5, "map": [49, 1280],
     "apart": false, "threads": 2, "steps": 5, "sampled": 1000}

with a line {"seconds": S, "peak_bytes": P}: the time of these steps, or of writing `sampled` symbols, and the most memory
that the process has held so far (null where the system does not say). The work `translate` is that of a translator with
general attention, and `decode` its greedy decoding, with sentences that all have `time` symbols; `caption` that of a
captioner that attends to the map of a frozen network, `batch` pictures with `captions` captions each; `apart`, each caption
comes with a picture of its own.
"""

import json
import math
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


class Translator(nn.Module):
    """A bidirectional encoder and a decoder with general attention; `hidden` is the decoder's width."""

    def __init__(self, cell, layers, hidden, sources, targets, embedding=256, dropout=0.3):
        super().__init__()
        layer = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[cell]
        between = dropout if layers > 1 else 0.0
        self.source, self.target = nn.Embedding(sources, embedding), nn.Embedding(targets, embedding)
        self.encoder = layer(embedding, hidden // 2, layers, bidirectional=True, dropout=between)
        self.decoder = layer(embedding, hidden, layers, dropout=between)
        states = 2 if cell == "lstm" else 1
        self.bridge = nn.ModuleList([nn.Linear(hidden, hidden) for _ in range(states * layers)])
        self.query = nn.Linear(hidden, hidden, bias=False)
        self.combine, self.output = nn.Linear(2 * hidden, embedding), nn.Linear(embedding, targets)
        self.dropout = nn.Dropout(dropout)

    def encode(self, sources):
        """`[S, B]` to the outputs `[B, S, H]` and the decoder's first state. No sentence is padded."""
        outputs, last = self.encoder(self.dropout(self.source(sources)))
        states = last if isinstance(last, tuple) else (last,)
        crossed = []
        for i, state in enumerate(states):
            layers = state.shape[0] // 2
            joined = [torch.cat([state[2 * l], state[2 * l + 1]], 1) for l in range(layers)]
            joined = [self.bridge[i * layers + l](x) for l, x in enumerate(joined)]
            crossed.append(torch.stack([x if i else torch.tanh(x) for x in joined]))
        return outputs.transpose(0, 1), tuple(crossed) if isinstance(last, tuple) else crossed[0]

    def write(self, tokens, outputs, state):
        """`[T, B]` to the logits of what follows `[T, B, V]`, and the state."""
        hidden, state = self.decoder(self.dropout(self.target(tokens)), state)
        h = hidden.transpose(0, 1)
        weights = torch.softmax(self.query(h) @ outputs.transpose(1, 2) / math.sqrt(h.shape[2]), 2)
        seen = torch.cat([(weights @ outputs).transpose(0, 1), hidden], 2)
        return self.output(self.dropout(torch.tanh(self.combine(seen)))), state


class Translating:
    """Steps with label smoothing, the global norm bounded by 5, and Adam."""

    def __init__(self, model, batch, time):
        self.model = model
        self.optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
        self.sources = torch.randint(4, model.source.num_embeddings, (time, batch))
        self.targets = torch.randint(4, model.target.num_embeddings, (time + 1, batch))

    def run(self, steps, sampled):
        for _ in range(steps):
            logits, _ = self.model.write(self.targets[:-1], *self.model.encode(self.sources))
            wanted = self.targets[1:].flatten()
            loss = nn.functional.cross_entropy(logits.flatten(0, 1), wanted, label_smoothing=0.1)
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
            self.optimizer.step()


class Decoding:
    """`time` words for each sentence, greedily: never padding, the unknown word, the start or, before the last, the end."""

    def __init__(self, model, batch, time):
        self.model, self.time = model.eval(), time
        self.sources = torch.randint(4, model.source.num_embeddings, (time, batch))

    @torch.inference_mode()
    def run(self, steps, sampled):
        for _ in range(steps):
            outputs, state = self.model.encode(self.sources)
            tokens = torch.full((1, self.sources.shape[1]), 2)
            written = []
            for _ in range(self.time):
                logits, state = self.model.write(tokens, outputs, state)
                logits[..., :4] = -math.inf
                tokens = logits.argmax(2)
                written.append(tokens[0].tolist())


class Captioner(nn.Module):
    """Soft attention with a gate; pillars and words are as wide as the state. A picture's captions share its pillars."""

    def __init__(self, cell, layers, hidden, vocabulary, depth, dropout=0.5):
        super().__init__()
        step = {"rnn": nn.RNNCell, "lstm": nn.LSTMCell, "gru": nn.GRUCell}[cell]
        self.states = 2 if cell == "lstm" else 1
        self.embedding, self.image = nn.Embedding(vocabulary, hidden), nn.Linear(depth, hidden)
        self.initial = nn.ModuleList([nn.Linear(hidden, hidden) for _ in range(self.states * layers)])
        self.query, self.gate = nn.Linear(hidden, hidden, bias=False), nn.Linear(hidden, 1)
        self.cells = nn.ModuleList([step(hidden if i else 2 * hidden, hidden) for i in range(layers)])
        self.combine, self.output = nn.Linear(3 * hidden, hidden), nn.Linear(hidden, vocabulary)
        self.dropout = nn.Dropout(dropout)

    def forward(self, seen, tokens):
        """Pictures `[B, P, F]` and words `[T, B C]` to the logits `[T, B C, V]` and the attention `[T, B, C, P]`."""
        pillars = self.image(seen)
        pictures, rows = len(pillars), tokens.shape[1]
        first = [layer(pillars.mean(1)).tanh().repeat_interleave(rows // pictures, 0) for layer in self.initial]
        layers = len(self.cells)
        states = [first[i::layers] for i in range(layers)]
        words = self.dropout(self.embedding(tokens))
        hidden, contexts, looks = [], [], []
        for word in words:
            before = states[-1][0]
            query = self.query(before).view(pictures, -1, before.shape[1])
            weights = torch.softmax(query @ pillars.transpose(1, 2) / math.sqrt(pillars.shape[2]), 2)
            context = (weights @ pillars).flatten(0, 1) * self.gate(before).sigmoid()
            x = torch.cat([word, context], 1)
            for i, cell in enumerate(self.cells):
                after = cell(self.dropout(x) if i else x, tuple(states[i]) if self.states == 2 else states[i][0])
                states[i] = list(after) if self.states == 2 else [after]
                x = states[i][0]
            hidden.append(x)
            contexts.append(context)
            looks.append(weights)
        combined = self.combine(torch.cat([words, torch.stack(hidden), torch.stack(contexts)], 2)).tanh()
        return self.output(self.dropout(combined)), torch.stack(looks)


class Captioning:
    """Steps with the doubly stochastic penalty, the global norm bounded by 5, and Adam."""

    def __init__(self, model, batch, time, captions, places):
        self.model = model
        self.optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
        self.seen = torch.rand(batch, places, model.image.in_features)
        self.tokens = torch.randint(4, model.embedding.num_embeddings, (time + 1, batch * captions))

    def run(self, steps, sampled):
        for _ in range(steps):
            logits, looks = self.model(self.seen, self.tokens[:-1])
            loss = nn.functional.cross_entropy(logits.flatten(0, 1), self.tokens[1:].flatten())
            loss = loss + (1 - looks.sum(0)).square().mean()
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
            self.optimizer.step()


def work_of(ask):
    shape = ask["cell"], ask["layers"], ask["hidden"]
    if ask["work"] in ("train", "sample"):
        model = CharLm(*shape, ask["symbols"])
        return Training(model, ask["batch"], ask["time"]) if ask["work"] == "train" else Sampling(model)
    if ask["work"] == "caption":
        places, depth = ask["map"]
        pictures, captions = ask["batch"], ask["captions"]
        if ask["apart"]:
            pictures, captions = pictures * captions, 1
        return Captioning(Captioner(*shape, ask["vocabulary"], depth), pictures, ask["time"], captions, places)
    model = Translator(*shape, *ask["words"])
    return {"translate": Translating, "decode": Decoding}[ask["work"]](model, ask["batch"], ask["time"])


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
            work, current = work_of(ask), ask
        started = time.perf_counter()
        work.run(steps, sampled)
        say({"seconds": time.perf_counter() - started, "peak_bytes": peak_bytes()})


main()
