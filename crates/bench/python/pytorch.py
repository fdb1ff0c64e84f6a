"""The PyTorch side of `rekindle bench`, which runs this script and asks it for the work.

Says {"torch": VERSION, "gpu": NAME}, the name being null without a GPU, or {"error": WHY}, then answers each line of
standard input,

    {"work": "train", "cell": "lstm", "layers": 1, "hidden": 256, "batch": 64, "time": 64,
     "symbols": 65, "words": [8000, 6000], "vocabulary": 3000, "captions": 5, "map": [49, 1280],
     "apart": false, "packed": false, "grids": [0, 0], "review_words": 20000, "sentiments": 2, "lengths": [400, 71],
     "frame": [3, 64, 64], "frame_classes": 9, "side": 28, "device": "cpu", "threads": 2, "steps": 5,
     "sampled": 1000}

with a line {"seconds": S, "peak_bytes": P}: the time of these steps, or of writing `sampled` symbols, and the most
memory that the process has held so far, without that of a GPU (null where the system does not say). `device` is "cpu" or
"cuda".

- `translate`: a translator with general attention, and `decode`, its greedy decoding; all sentences have `time` symbols.
- `caption`: a captioner that attends to the map of a frozen network, `batch` images with `captions` captions each; with
  `apart`, each caption comes with an image of its own.
- `sentiment`: a bidirectional text classifier, with texts of `lengths`; with `packed`, they are packed sequences.
- `frames`: a frame tagger, on images like `frame`.
- `draw`: DRAW with `time` glimpses, which reads and writes through `grids` of so many filters on each side, 0 for the
  whole image.

    {"work": "product", "purpose": "forward", "size": [64, 256, 1024], "device": "cpu", "threads": 2, "steps": 5,
     "sampled": 0}

asks for `steps` products of matrices [M, K] and [K, N]; the second is stored transposed for `forward`, the first for
`gradient`, as in a recurrence.
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


class Classifier(nn.Module):
    """A bidirectional network, the largest value of each feature over the words, and a linear layer.

    On a CPU PyTorch reads packed sequences many times slower than texts that are padded to one length. Unless `packed`,
    each direction is therefore a network of its own that reads padded texts, and the second reads texts that are
    reversed within their lengths: their states are those of a bidirectional network on packed sequences.
    """

    def __init__(self, cell, layers, hidden, words, classes, packed, embedding=128, dropout=0.5, embedding_dropout=0.3):
        super().__init__()
        layer = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[cell]
        self.embedding, self.output = nn.Embedding(words, embedding), nn.Linear(2 * hidden, classes)
        self.dropout, self.embedding_dropout = nn.Dropout(dropout), nn.Dropout(embedding_dropout)
        if packed:
            between = dropout if layers > 1 else 0.0
            self.packed = layer(embedding, hidden, layers, bidirectional=True, dropout=between)
        else:
            inputs = [2 * hidden if i else embedding for i in range(layers)]
            self.packed = None
            self.onward, self.back = (nn.ModuleList(layer(size, hidden) for size in inputs) for _ in range(2))

    def pool(self, texts):
        # A text drops the same values of its embeddings at every time step.
        mask = self.embedding_dropout(torch.ones(1, len(texts.lengths), self.embedding.embedding_dim))
        if self.packed:
            packed = nn.utils.rnn.pack_padded_sequence(self.embedding(texts.tokens) * mask, texts.lengths)
            hidden, _ = nn.utils.rnn.pad_packed_sequence(self.packed(packed)[0], padding_value=-math.inf)
            return hidden.max(0).values
        x, reversed_x = self.embedding(texts.tokens) * mask, self.embedding(texts.reversed_tokens) * mask
        for i, (onward, back) in enumerate(zip(self.onward, self.back)):
            if i:
                x = self.dropout(torch.cat([hidden, texts.reverse(reversed_hidden)], 2))
                reversed_x = texts.reverse(x)
            hidden, reversed_hidden = onward(x)[0], back(reversed_x)[0]
        pooled = [h.masked_fill(texts.padding, -math.inf).max(0).values for h in (hidden, reversed_hidden)]
        return torch.cat(pooled, 1)

    def forward(self, texts):
        """The logits `[B, C]`."""
        return self.output(self.dropout(self.pool(texts)))


class Texts:
    """A batch of texts, the longest first: tokens `[T, B]` and all that follows from the lengths."""

    def __init__(self, lengths, words):
        # To pack sequences, PyTorch wants their lengths on the CPU.
        self.lengths = torch.tensor(sorted(lengths, reverse=True), device="cpu")
        time, batch = max(lengths), len(lengths)
        lengths = self.lengths.to(torch.get_default_device())
        self.tokens = torch.randint(words, (time, batch))
        places = torch.arange(time)[:, None]
        self.padding = (places >= lengths)[:, :, None]
        order = torch.where(places < lengths, lengths - 1 - places, places)
        self.reversed_tokens = self.tokens.gather(0, order)
        self.rows = (order * batch + torch.arange(batch)).flatten()

    def reverse(self, x):
        """`[T, B, I]` with the time steps of each text in reverse."""
        return x.flatten(0, 1).index_select(0, self.rows).view_as(x)


class Classifying:
    """Steps with the global norm bounded by 5, and Adam."""

    def __init__(self, model, lengths):
        self.model, self.texts = model, Texts(lengths, model.embedding.num_embeddings)
        self.optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
        self.labels = torch.arange(len(lengths)) % model.output.out_features

    def run(self, steps, sampled):
        for _ in range(steps):
            loss = nn.functional.cross_entropy(self.model(self.texts), self.labels)
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
            self.optimizer.step()


class Tagger(nn.Module):
    """Convolutions that halve a frame until it is small, a linear layer, a recurrent network, and a linear layer."""

    def __init__(self, cell, layers, hidden, frame, classes, encoder=128):
        super().__init__()
        layer = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[cell]
        channels, height, width = frame
        steps, wider = [], 16
        while max(height, width) > 4 or not steps:
            steps += [nn.Conv2d(channels, wider, 3, stride=2, padding=1), nn.ReLU(inplace=True)]
            channels, wider, height, width = wider, min(2 * wider, 64), -(-height // 2), -(-width // 2)
        steps += [nn.Flatten(), nn.Linear(channels * height * width, encoder), nn.ReLU(inplace=True)]
        # On a CPU convolutions are faster with the channels of a pixel side by side.
        self.encoder = nn.Sequential(*steps).to(memory_format=torch.channels_last)
        self.recurrent = layer(encoder, hidden, layers)
        self.output = nn.Linear(hidden, classes)

    def forward(self, frames, batch, state):
        """Frames `[T B, C, H, W]` to the logits of each `[T B, K]`, and the state."""
        hidden, state = self.recurrent(self.encoder(frames).unflatten(0, (-1, batch)), state)
        return self.output(hidden.flatten(0, 1)), state


class Tagging:
    """Steps with the state carried and cut, the global norm bounded by 5, and Adam."""

    def __init__(self, model, batch, time, frame):
        self.model, self.batch, self.state = model, batch, None
        self.optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
        self.frames = (4 * torch.rand(time * batch, *frame) - 2).contiguous(memory_format=torch.channels_last)
        self.labels = torch.randint(model.output.out_features, (time * batch,))

    def run(self, steps, sampled):
        for _ in range(steps):
            logits, state = self.model(self.frames, self.batch, self.state)
            loss = nn.functional.cross_entropy(logits, self.labels)
            self.state = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
            self.optimizer.step()


class Draw(nn.Module):
    """DRAW on square images. `read` and `write` are the filters on each side of the grids, 0 for the whole image."""

    def __init__(self, hidden, glimpses, side, read, write, latent=100, bound=10.0):
        super().__init__()
        self.glimpses, self.side, self.grids, self.bound = glimpses, side, (read, write), bound
        pixels = side * side
        self.encoder = nn.LSTMCell(2 * (read * read or pixels) + hidden, hidden)
        self.decoder = nn.LSTMCell(latent, hidden)
        self.latent = nn.Linear(hidden, 2 * latent)
        self.read, self.window = (self.over_the_middle(hidden, n) if n else None for n in self.grids)
        self.write = nn.Linear(hidden, write * write or pixels)
        self.canvas = nn.Parameter(torch.zeros(1, pixels))
        self.starts = nn.Parameter(torch.zeros(4, 1, hidden))
        self.pixels = torch.arange(1, side + 1.0)
        self.points = [torch.arange(1, n + 1) - n / 2 - 0.5 for n in self.grids]

    def over_the_middle(self, hidden, n):
        """The layer of a grid that at first covers the middle half of an image."""
        layer, stride = nn.Linear(hidden, 5), 0.5 * (self.side - 1) / max(n - 1, 1)
        layer.bias.data = torch.tensor([0.0, 0.0, 2 * math.log(0.5 * stride), math.log(0.5), 0.0])
        return layer

    def filters(self, parameters, points):
        """`[B, 5]` to the filters along the rows and along the columns `[B, N, side]`, and the intensity `[B, 1]`."""
        centres = (self.side + 1) / 2 * (parameters[:, :2, None] + 1)
        variance, stride, intensity = parameters[:, 2:].clamp(-self.bound, self.bound).exp().split(1, 1)
        stride = stride * ((self.side - 1) / max(len(points) - 1, 1))
        means = centres + stride[:, :, None] * points
        distances = self.pixels - means[..., None]
        across, down = torch.softmax(distances.square() / (-2 * variance)[:, :, None, None], 3).unbind(1)
        return across, down, intensity

    def whole_images(self, x):
        """The encoder's steps on whole images: `W [x, x - s] = (W_x + W_e) x - W_e s`, with one first product for all."""
        pixels = x.shape[1]
        of_image, of_error, of_hidden = self.encoder.weight_ih.split([pixels, pixels, self.encoder.hidden_size], 1)
        image = nn.functional.linear(x, of_image + of_error, self.encoder.bias_ih + self.encoder.bias_hh)
        weight = torch.cat([-of_error, of_hidden, self.encoder.weight_hh], 1).t()

        def step(drawn, hidden, state):
            i, f, g, o = torch.addmm(image, torch.cat([drawn, hidden, state[0]], 1), weight).chunk(4, 1)
            cell = torch.addcmul(f.sigmoid() * state[1], i.sigmoid(), g.tanh())
            return o.sigmoid() * cell.tanh(), cell

        return step

    def glimpses_of(self, x):
        """The encoder's steps on glimpses of images."""
        images = x.view(-1, self.side, self.side)

        def step(drawn, hidden, state):
            across, down, intensity = self.filters(self.read(hidden), self.points[0])
            # Both images side by side, so that they are one product: [B, side, 2 side].
            both = torch.stack([images, images - drawn.view_as(images)], 2).flatten(2)
            lines = torch.bmm(down, both).view(len(x), -1, self.side)
            seen = torch.bmm(lines, across.mT).flatten(1) * intensity
            return self.encoder(torch.cat([seen, hidden], 1), state)

        return step

    def written(self, hidden):
        """What is added to the canvas, `[B, D]`."""
        written = self.write(hidden)
        if not self.window:
            return written
        n = self.grids[1]
        across, down, intensity = self.filters(self.window(hidden), self.points[1])
        patch = (written / intensity).view(-1, n, n)
        return torch.bmm(torch.bmm(down.mT, patch), across).flatten(1)

    def forward(self, x, noise):
        """The mean bound of images `[B, D]` with noise `[T, B, Z]`."""
        starts = self.starts.expand(-1, len(x), -1)
        encoder, decoder, canvas = tuple(starts[:2]), tuple(starts[2:]), self.canvas.expand(len(x), -1)
        encode = self.glimpses_of(x) if self.read else self.whole_images(x)
        statistics = []
        for step in range(self.glimpses):
            encoder = encode(torch.sigmoid(canvas), decoder[0], encoder)
            mean, log_variance = self.latent(encoder[0]).chunk(2, 1)
            log_variance = log_variance.clamp(-self.bound, self.bound)
            statistics.append((mean, log_variance))
            decoder = self.decoder(torch.addcmul(mean, (0.5 * log_variance).exp(), noise[step]), decoder)
            canvas = canvas + self.written(decoder[0])
        mean, log_variance = map(torch.stack, zip(*statistics))
        divergence = 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).sum()
        return (nn.functional.binary_cross_entropy_with_logits(canvas, x, reduction="sum") + divergence) / len(x)


class Drawing:
    """Steps with fresh noise, the global norm bounded by 5, and Adam."""

    def __init__(self, model, batch):
        self.model = model
        self.optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        self.images = torch.bernoulli(torch.full((batch, model.side ** 2), 0.2))

    def run(self, steps, sampled):
        for _ in range(steps):
            noise = torch.randn(self.model.glimpses, len(self.images), self.model.decoder.input_size)
            loss = self.model(self.images, noise)
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
            self.optimizer.step()


class Product:
    """Matrix products into memory that exists."""

    def __init__(self, purpose, size):
        m, k, n = size
        self.a = torch.rand(k, m).t() if purpose == "gradient" else torch.rand(m, k)
        self.b = torch.rand(n, k).t() if purpose == "forward" else torch.rand(k, n)
        self.out = torch.empty(m, n)

    def run(self, steps, sampled):
        for _ in range(steps):
            torch.mm(self.a, self.b, out=self.out)


def work_of(ask):
    if ask["work"] == "product":
        return Product(ask["purpose"], ask["size"])
    shape = ask["cell"], ask["layers"], ask["hidden"]
    batch, time = ask["batch"], ask["time"]
    if ask["work"] in ("train", "sample"):
        model = CharLm(*shape, ask["symbols"])
        return Training(model, batch, time) if ask["work"] == "train" else Sampling(model)
    if ask["work"] == "caption":
        places, depth = ask["map"]
        pictures, captions = (batch * ask["captions"], 1) if ask["apart"] else (batch, ask["captions"])
        return Captioning(Captioner(*shape, ask["vocabulary"], depth), pictures, time, captions, places)
    if ask["work"] == "sentiment":
        return Classifying(Classifier(*shape, ask["review_words"], ask["sentiments"], ask["packed"]), ask["lengths"])
    if ask["work"] == "frames":
        return Tagging(Tagger(*shape, ask["frame"], ask["frame_classes"]), batch, time, ask["frame"])
    if ask["work"] == "draw":
        return Drawing(Draw(ask["hidden"], time, ask["side"], *ask["grids"]), batch)
    return {"translate": Translating, "decode": Decoding}[ask["work"]](Translator(*shape, *ask["words"]), batch, time)


def peak_bytes():
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return None


def main():
    say({"torch": torch.__version__, "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None})
    current, work = None, None
    for line in sys.stdin:
        ask = json.loads(line)
        steps, sampled = ask.pop("steps"), ask.pop("sampled")
        if ask != current:
            torch.set_num_threads(ask["threads"])
            torch.set_default_device(ask["device"])
            work, current = work_of(ask), ask
        started = time.perf_counter()
        work.run(steps, sampled)
        if ask["device"] == "cuda":
            torch.cuda.synchronize()
        say({"seconds": time.perf_counter() - started, "peak_bytes": peak_bytes()})


main()
