"""Reads the event files of a run with Google's own `tensorboard` package, and compares them with metrics.jsonl.

    pip install tensorboard
    rekindle train chars --steps 60 --eval-every 30 --tensorboard --watch-gradients --out runs/board
    python3 crates/train/tests/read_event_files.py runs/board
"""

import json
import sys
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util import img_mime_type_detector, tensor_util

run = Path(sys.argv[1])
# All values, not a sample of them.
board = EventAccumulator(str(run), size_guidance=dict.fromkeys(["scalars", "images", "tensors"], 0)).Reload()
lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def expect(wanted, tag):
    found = {event.step: event.value for event in board.Scalars(tag)}
    assert found.keys() == wanted.keys(), f"{tag}: steps {sorted(found)} for {sorted(wanted)}"
    for step, value in wanted.items():
        assert abs(found[step] - value) <= 1e-6 * max(1, abs(value)), f"{tag}, step {step}: {found[step]} for {value}"
    print(f"{len(found):5} values of {tag}")


for kind, folder in [("step", "train"), ("evaluation", "validation")]:
    of_kind = [line for line in lines if line["kind"] == kind]
    others = {"kind", "step", "epoch", "best", "seconds"}
    for name in sorted({name for line in of_kind for name in line} - others):
        expect({line["step"]: line[name] for line in of_kind}, f"{folder}/{name}")
updates = [line for line in lines if line["kind"] == "updates"]
for layer in sorted({layer["layer"] for line in updates for layer in line["layers"]}):
    of_layer = {line["step"]: one for line in updates for one in line["layers"] if one["layer"] == layer}
    expect({step: one["ratio"] for step, one in of_layer.items()}, f"updates/ratio/{layer}")

for tag in board.Tags()["tensors"]:
    for event in board.Tensors(tag):
        text = tensor_util.make_ndarray(event.tensor_proto).item().decode()
        sample = (run / "samples" / f"step-{event.step:08}.txt").read_text()
        assert text == "    " + sample.replace("\n", "\n    "), f"{tag}, step {event.step}"
    print(f"{len(board.Tensors(tag)):5} texts of {tag}, as in samples/")
for tag in board.Tags()["images"]:
    for event in board.Images(tag):
        kind = img_mime_type_detector.from_bytes(event.encoded_image_string)
        assert kind == "image/png" and event.width > 0 and event.height > 0, f"{tag}: {kind}"
    print(f"{len(board.Images(tag)):5} pictures of {tag}")
