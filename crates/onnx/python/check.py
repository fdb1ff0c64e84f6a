"""Runs exported graphs with onnxruntime and compares their outputs with those of Rekindle.

    python3 check.py FOLDER

Each folder in FOLDER is a case: graphs NAME.onnx, and case.json with the calls:

    [{"graph": NAME, "inputs": {NAME: VALUE}, "outputs": {NAME: VALUE}}, ...]

VALUE is {"shape": [...], "type": "float32", "data": [...]}. An input may be {"call": N, "output": NAME}: what call N
gave. An output may have "log_softmax": true: that of the graph is compared after a log-softmax over its last axis; and
"lengths": [...]: only so many steps of each row are compared.

Prints a line for each case: its name and the largest difference, relative to the largest number that is wanted if that is
above 1.
"""

import json
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime


def array(value):
    return np.array(value["data"], dtype=value["type"]).reshape(value["shape"])


def log_softmax(x):
    x = x - x.max(axis=-1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=-1, keepdims=True))


def difference(found, wanted):
    values = array(wanted)
    if wanted.get("log_softmax"):
        found = log_softmax(found)
    if found.shape != values.shape:
        raise SystemExit(f"shape {found.shape}, wanted {values.shape}")
    distance = np.abs(found - values)
    if "lengths" in wanted:
        for row, length in enumerate(wanted["lengths"]):
            distance[row, length:] = 0
    distance = distance / max(1.0, np.abs(values).max())
    return float(distance.max()) if np.isfinite(found).all() else float("inf")


def check(folder):
    sessions = {}
    for path in folder.glob("*.onnx"):
        onnx.checker.check_model(onnx.load(path), full_check=True)
        sessions[path.stem] = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    results, largest = [], 0.0
    for call in json.loads((folder / "case.json").read_text()):
        session = sessions[call["graph"]]
        feeds = {
            name: results[value["call"]][value["output"]] if "call" in value else array(value)
            for name, value in call["inputs"].items()
        }
        names = [output.name for output in session.get_outputs()]
        results.append(dict(zip(names, session.run(names, feeds))))
        for name, wanted in call["outputs"].items():
            largest = max(largest, difference(results[-1][name], wanted))
    return largest


onnxruntime.set_default_logger_severity(3)
for folder in sorted(path for path in pathlib.Path(sys.argv[1]).iterdir() if path.is_dir()):
    print(folder.name, check(folder), flush=True)
