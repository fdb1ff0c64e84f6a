"""The reference for `encoder_speed` of `crates/models/examples`: EfficientNet-Lite0 in PyTorch, without gradients.

    pip install torch
    python3 encoder_reference.py [threads] [batch] [repetitions]

The layers are those of Rekindle: batch norms are folded into the convolutions before them, so that each has a bias. The
weights are random. Prints the pictures a second of the fastest repetition, in both memory layouts.
"""

import math
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

STAGES = [(1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192),
          (1, 3, 1, 6, 320)]


class Convolution(nn.Module):
    """A convolution with TensorFlow's padding: an odd one has the larger part after the image."""

    def __init__(self, input, output, kernel, stride=1, groups=1, activated=True):
        super().__init__()
        self.conv = nn.Conv2d(input, output, kernel, stride, groups=groups)
        self.activated = activated

    def forward(self, x):
        (k, s), n = (self.conv.kernel_size[0], self.conv.stride[0]), x.shape[-1]
        total = max((math.ceil(n / s) - 1) * s + k - n, 0)
        if total % 2:
            y = self.conv(F.pad(x, (total // 2, total - total // 2) * 2))
        else:
            y = F.conv2d(x, self.conv.weight, self.conv.bias, s, total // 2, 1, self.conv.groups)
        return y.clamp_(0, 6) if self.activated else y


class Block(nn.Module):
    def __init__(self, input, output, kernel, stride, expansion):
        super().__init__()
        wide = input * expansion
        self.expand = Convolution(input, wide, 1) if expansion > 1 else nn.Identity()
        self.depthwise = Convolution(wide, wide, kernel, stride, wide)
        self.project = Convolution(wide, output, 1, activated=False)
        self.skip = stride == 1 and input == output

    def forward(self, x):
        y = self.project(self.depthwise(self.expand(x)))
        return y.add_(x) if self.skip else y


def network():
    layers, input = [Convolution(3, 32, 3, 2)], 32
    for count, kernel, stride, expansion, output in STAGES:
        for index in range(count):
            layers.append(Block(input, output, kernel, stride if index == 0 else 1, expansion))
            input = output
    return nn.Sequential(*layers, Convolution(320, 1280, 1))


def speed(model, pictures, repetitions):
    best = math.inf
    with torch.inference_mode():
        model(pictures)
        for _ in range(repetitions):
            start = time.perf_counter()
            model((pictures - 127 / 255) / (128 / 255)).flatten(2).transpose(1, 2).contiguous()
            best = min(best, time.perf_counter() - start)
    return len(pictures) / best


if __name__ == "__main__":
    given = [int(number) for number in sys.argv[1:]]
    threads, batch, repetitions = given + [1, 16, 10][len(given):]
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model, pictures = network().eval(), torch.rand(batch, 3, 224, 224)
    for name, layout in [("default", torch.contiguous_format), ("channels_last", torch.channels_last)]:
        found = speed(model.to(memory_format=layout), pictures.to(memory_format=layout), repetitions)
        print(f"{name}, {threads} thread(s), batches of {batch}: {found:.1f} pictures/s")
