"""The reference for `rekindle train draw`: the same model, loss and batches in PyTorch.

    pip install torch && python3 draw_reference.py FOLDER_OF_MNIST [steps] [threads]
    python3 draw_reference.py fixture

Without attention: T = 10, LSTMs of 256, latents of 100, batches of 100, stochastic binarisation, Adam 1e-3, global norm
5. Prints images a second; beside it, run `rekindle train draw --data FOLDER_OF_MNIST --steps N --threads N`.

`fixture` prints the numbers of the test `a_forward_and_a_backward_pass_have_the_numbers_of_pytorch`, for small models with
and without attention: weights, images and noise are simple functions of their index.
"""

import gzip
import math
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

BOUND = 10.0


class Draw(nn.Module):
    def __init__(self, side, steps, hidden, latent, read=None, write=None):
        super().__init__()
        self.side, self.steps, self.hidden, self.latents, self.n_read, self.n_write = (
            side, steps, hidden, latent, read, write)
        pixels = side * side
        self.encoder = nn.LSTMCell(2 * (read * read if read else pixels) + hidden, hidden)
        self.decoder = nn.LSTMCell(latent, hidden)
        self.latent = nn.Linear(hidden, 2 * latent)
        if read:
            self.read = nn.Linear(hidden, 5)
        if write:
            self.window = nn.Linear(hidden, 5)
        self.write = nn.Linear(hidden, write * write if write else pixels)
        self.canvas = nn.Parameter(torch.zeros(1, pixels))
        self.encoder_start = nn.Parameter(torch.zeros(2, hidden))
        self.decoder_start = nn.Parameter(torch.zeros(2, hidden))

    def filters(self, parameters, n):
        gx, gy, variance, stride, intensity = parameters.split(1, 1)
        variance, stride, intensity = (p.clamp(-BOUND, BOUND).exp() for p in (variance, stride, intensity))
        stride = stride * (self.side - 1) / max(n - 1, 1)
        points = torch.arange(1, n + 1) - n / 2 - 0.5
        pixels = torch.arange(1, self.side + 1.0)
        banks = []
        for g in (gx, gy):
            mean = (self.side + 1) / 2 * (g + 1) + stride * points
            banks.append(torch.softmax(-(pixels - mean[:, :, None]) ** 2 / (2 * variance[:, :, None]), 2))
        return banks[0], banks[1], intensity

    def forward(self, x, noise):
        batch = len(x)
        canvas = self.canvas.expand(batch, -1)
        encoder, decoder = (tuple(s.expand(batch, -1) for s in start)
                            for start in (self.encoder_start, self.decoder_start))
        kl = 0
        for step in range(self.steps):
            error = x - torch.sigmoid(canvas)
            if self.n_read:
                across, down, intensity = self.filters(self.read(decoder[0]), self.n_read)
                seen = [(down @ i.view(batch, self.side, self.side) @ across.mT).flatten(1) * intensity
                        for i in (x, error)]
            else:
                seen = [x, error]
            encoder = self.encoder(torch.cat([*seen, decoder[0]], 1), encoder)
            mean, log_variance = self.latent(encoder[0]).split(self.latents, 1)
            log_variance = log_variance.clamp(-BOUND, BOUND)
            kl = kl + 0.5 * (mean ** 2 + log_variance.exp() - log_variance - 1).sum()
            z = mean + (0.5 * log_variance).exp() * noise[step]
            decoder = self.decoder(z, decoder)
            written = self.write(decoder[0])
            if self.n_write:
                across, down, intensity = self.filters(self.window(decoder[0]), self.n_write)
                patch = written.view(batch, self.n_write, self.n_write) / intensity[:, :, None]
                written = (down.mT @ patch @ across).flatten(1)
            canvas = canvas + written
        reconstruction = F.binary_cross_entropy_with_logits(canvas, x, reduction="sum")
        return reconstruction / batch, kl / batch


def wave(shape, start):
    """Numbers between -0.4 and 0.4 that any language makes alike."""
    count = math.prod(shape)
    return (torch.sin(torch.arange(count, dtype=torch.float64) * 0.7 + start) * 0.4).float().view(shape)


def fixture(read, write):
    model = Draw(side=6, steps=3, hidden=4, latent=2, read=read, write=write)
    names = ["encoder.weight_ih", "encoder.weight_hh", "encoder.bias_ih", "encoder.bias_hh", "decoder.weight_ih",
             "decoder.weight_hh", "decoder.bias_ih", "decoder.bias_hh", "latent.weight", "latent.bias", "read.weight",
             "read.bias", "window.weight", "window.bias", "write.weight", "write.bias", "canvas", "encoder_start",
             "decoder_start"]
    parameters = dict(model.named_parameters())
    for index, name in enumerate(names):
        if name in parameters:
            parameters[name].data = wave(parameters[name].shape, index)
    x = (wave((2, 36), 0.5) > 0).float()
    reconstruction, kl = model(x, wave((3, 2, 2), 0.25) * 3)
    (reconstruction + kl).backward()
    print("reconstruction", reconstruction.item(), "kl", kl.item())
    for name in names:
        if name in parameters:
            gradient = parameters[name].grad
            print(f'("{name}", {gradient.abs().sum().item():.6f}, {gradient.flatten()[0].item():.7f}),')


def speed(folder, steps, threads):
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    with gzip.open(f"{folder}/train-images-idx3-ubyte.gz") as file:
        images = torch.frombuffer(bytearray(file.read()[16:]), dtype=torch.uint8).view(-1, 784).float() / 255
    model = Draw(28, 10, 256, 100)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    order = torch.randperm(len(images))
    warm = 5
    for step in range(steps + warm):
        if step == warm:
            started = time.time()
        x = torch.bernoulli(images[order[step * 100 % 59000:][:100]])
        reconstruction, kl = model(x, torch.randn(10, 100, 100))
        loss = reconstruction + kl
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
    seconds = time.time() - started
    print(f"{steps} steps: loss {loss.item():.2f}, {steps * 100 / seconds:.0f} images/s, {seconds / steps * 1e3:.1f} ms a step")


if sys.argv[1] == "fixture":
    fixture(read=2, write=3)
    fixture(read=None, write=None)
else:
    speed(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 50, int(sys.argv[3]) if len(sys.argv) > 3 else 2)
