"""The reference for `rekindle train translate`: the same model, loss and batches in PyTorch.

    pip install torch sacrebleu
    python3 translate_reference.py train FOLDER SOURCE TARGET [epochs] [threads]
    python3 translate_reference.py fixture

`train` reads train.LANG.gz and val.LANG.gz: a bidirectional GRU of 256, a decoder of 512, general attention, embeddings of
256, batches of 128 sentences of like lengths, dropout 0.4, label smoothing 0.1, Adam 2e-3 with a cosine, global norm 1;
words in lower case, those that appear once unknown. Prints for each epoch the loss on val and the BLEU of greedy decoding.

`fixture` prints the numbers of the test `losses_and_gradients_are_those_of_pytorch`, for small models: weights are simple
functions of their index.
"""

import collections
import gzip
import math
import random
import re
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

PAD, UNKNOWN, START, END = range(4)


class Translator(nn.Module):
    def __init__(self, sources, targets, hidden, embedding, cell="gru", attention="general", layers=1, dropout=0.0):
        super().__init__()
        self.kind, self.cell = attention, cell
        recurrence = {"gru": nn.GRU, "lstm": nn.LSTM}[cell]
        between = dropout if layers > 1 else 0.0
        self.source = nn.Embedding(sources, embedding)
        self.target = nn.Embedding(targets, embedding)
        self.encoder = recurrence(embedding, hidden // 2, layers, bidirectional=True, dropout=between)
        self.decoder = recurrence(embedding, hidden, layers, dropout=between)
        states = 2 if cell == "lstm" else 1
        self.bridge = nn.ModuleList([nn.Linear(hidden, hidden) for _ in range(states * layers)])
        if attention in ("general", "additive"):
            self.query = nn.Linear(hidden, hidden, bias=False)
        if attention == "additive":
            self.key = nn.Linear(hidden, hidden, bias=False)
            self.value = nn.Linear(hidden, 1, bias=False)
        self.combine = nn.Linear(hidden if attention == "none" else 2 * hidden, embedding)
        self.output = nn.Linear(embedding, targets)
        self.dropout = nn.Dropout(dropout)

    def encode(self, sources):
        """`sources`: lists of numbers. The outputs `[S, B, H]`, what is valid `[B, S]` and the decoder's first state."""
        lengths = torch.tensor([len(s) + 1 for s in sources])
        tokens = pad([s + [END] for s in sources])
        packed = pack_padded_sequence(self.dropout(self.source(tokens)), lengths, enforce_sorted=False)
        outputs, last = self.encoder(packed)
        outputs, _ = pad_packed_sequence(outputs)
        valid = torch.arange(outputs.shape[0])[None] < lengths[:, None]
        states = last if self.cell == "lstm" else (last,)
        layers = states[0].shape[0] // 2
        crossed = []
        for i, state in enumerate(states):
            joined = [torch.cat([state[2 * l], state[2 * l + 1]], 1) for l in range(layers)]
            joined = [self.bridge[i * layers + l](x) for l, x in enumerate(joined)]
            crossed.append(torch.stack([x if i else torch.tanh(x) for x in joined]))
        return outputs, valid, tuple(crossed) if self.cell == "lstm" else crossed[0]

    def write(self, tokens, encoded, state):
        """`o` `[T, B, E]` of the symbols `[T, B]`, and the state after them."""
        outputs, valid, _ = encoded
        hidden, state = self.decoder(self.dropout(self.target(tokens)), state)
        seen = hidden
        if self.kind != "none":
            h, s = hidden.transpose(0, 1), outputs.transpose(0, 1)
            if self.kind == "additive":
                scores = self.value(torch.tanh(self.query(h)[:, :, None] + self.key(s)[:, None])).squeeze(3)
            else:
                scores = (self.query(h) if self.kind == "general" else h) @ s.transpose(1, 2)
                scores = scores / math.sqrt(s.shape[2])
            weights = torch.softmax(scores.masked_fill(~valid[:, None], -1e9), 2)
            seen = torch.cat([(weights @ s).transpose(0, 1), hidden], 2)
        return self.dropout(torch.tanh(self.combine(seen))), state

    def forward(self, sources, targets):
        """The logits `[N, V]` at all symbols of the targets, ends included, and these symbols."""
        encoded = self.encode(sources)
        outputs, _ = self.write(pad([[START] + t for t in targets]), encoded, encoded[2])
        wanted = pad([t + [END] for t in targets], -1)
        kept = wanted >= 0
        return self.output(outputs[kept]), wanted[kept]

    def greedy(self, sources, limit=100):
        encoded = self.encode(sources)
        state, tokens = encoded[2], torch.full((1, len(sources)), START)
        written, over = [[] for _ in sources], [False] * len(sources)
        for _ in range(limit):
            outputs, state = self.write(tokens, encoded, state)
            logits = self.output(outputs)
            logits[..., [PAD, UNKNOWN]] = -math.inf
            tokens = logits.argmax(2)
            for b, token in enumerate(tokens[0].tolist()):
                over[b] |= token == END
                if not over[b]:
                    written[b].append(token)
            if all(over):
                break
        return written


def pad(rows, filler=PAD):
    """Time-major."""
    return torch.tensor([r + [filler] * (max(map(len, rows)) - len(r)) for r in rows]).T


def wave(shape, start):
    """Numbers between -0.4 and 0.4 that any language makes alike."""
    count = math.prod(shape)
    return (torch.sin(torch.arange(count, dtype=torch.float64) * 0.7 + start) * 0.4).float().view(shape)


def fixture(cell, attention, layers):
    model = Translator(9, 8, 4, 3, cell, attention, layers)
    for index, (_, parameter) in enumerate(sorted(model.named_parameters())):
        parameter.data = wave(parameter.shape, index) * 2.5
    logits, wanted = model([[4, 5, 6, 7], [8, 4]], [[4, 5], [6, 7, 4, 5]])
    loss = F.cross_entropy(logits, wanted, label_smoothing=0.1)
    loss.backward()
    print(f"{cell} {attention} {layers}: {loss.item():.6f}")
    for name, parameter in sorted(model.named_parameters()):
        if parameter.dim() == 1:
            continue
        gradient = parameter.grad
        print(f'    ("{name}", {gradient.abs().sum().item():.6f}, {gradient.flatten()[-1].item():.7f}),')


WORD = re.compile(r"(?:[^\W_]|['’-]|[\u0300-\u036f]|(?<=[0-9])[.,](?=[0-9]))+|\S")


def read(path):
    with gzip.open(path, "rt") as file:
        return [line.strip() for line in file]


def join(words):
    return re.sub(r"([(\[]) ", r"\1", re.sub(r" ([.,!?;:)\]%])(?= |$)", r"\1", " ".join(words)))


class Language:
    def __init__(self, sentences):
        counts = collections.Counter(w for s in sentences for w in WORD.findall(s.lower()))
        self.words = ["<PAD>", "<UNK>", "<START>", "<END>"] + [w for w, c in counts.most_common() if c > 1]
        self.numbers = {w: i for i, w in enumerate(self.words)}

    def encode(self, sentence):
        return [self.numbers.get(w, UNKNOWN) for w in WORD.findall(sentence.lower())]


def train(folder, source, target, epochs=12, threads=2):
    import sacrebleu

    torch.set_num_threads(threads)
    torch.manual_seed(1)
    random.seed(1)
    texts = {(part, lang): read(f"{folder}/{part}.{lang}.gz") for part in ("train", "val") for lang in (source, target)}
    from_, to = Language(texts["train", source]), Language(texts["train", target])
    pairs = {
        part: [(from_.encode(s), to.encode(t)) for s, t in zip(texts[part, source], texts[part, target])]
        for part in ("train", "val")
    }
    print(len(from_.words), len(to.words), "words")
    model = Translator(len(from_.words), len(to.words), 512, 256, dropout=0.4)
    optimizer = torch.optim.Adam(model.parameters(), 2e-3)
    batches = math.ceil(len(pairs["train"]) / 128)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda i: min(1, (i + 1) / 200) * (1 if i < 200 else
                                           0.5 * (1 + math.cos(math.pi * (i - 200) / (epochs * batches - 200)))))
    for epoch in range(1, epochs + 1):
        model.train()
        begin, symbols = time.time(), 0
        order = sorted(pairs["train"], key=lambda p: (len(p[0]), len(p[1]), random.random()))
        cut = [order[i:i + 128] for i in range(0, len(order), 128)]
        random.shuffle(cut)
        for batch in cut:
            logits, wanted = model([s for s, _ in batch], [t for _, t in batch])
            loss = F.cross_entropy(logits, wanted, label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            symbols += len(wanted)
        seconds = time.time() - begin
        model.eval()
        with torch.no_grad():
            nats, count, written = 0.0, 0, []
            for i in range(0, len(pairs["val"]), 128):
                batch = pairs["val"][i:i + 128]
                logits, wanted = model([s for s, _ in batch], [t for _, t in batch])
                nats += F.cross_entropy(logits, wanted, reduction="sum").item()
                count += len(wanted)
                written += model.greedy([s for s, _ in batch])
        hypotheses = [join([to.words[n] for n in numbers]) for numbers in written]
        bleu = sacrebleu.corpus_bleu(hypotheses, [texts["val", target]], lowercase=True).score
        print(f"epoch {epoch}: val {nats / count:.4f} nats, BLEU {bleu:.2f}, {symbols / seconds:,.0f} symbols/s", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["fixture"]:
        for cell, attention, layers in [("gru", "general", 1), ("gru", "additive", 2), ("lstm", "dot", 2), ("lstm", "none", 1)]:
            fixture(cell, attention, layers)
    else:
        train(*sys.argv[2:5], *map(int, sys.argv[5:7]))
