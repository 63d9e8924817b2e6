"""
Exports architectures of torchvision, timm and transformers by both exporters of PyTorch, as graphs without weights, and
their gradients by torch autograd in float64, for packages/relprop/test/architectures.

    python make.py WORK [NAME ...]       exports what is not in the folder WORK yet; all architectures unless named
    python make.py WORK --collect OUT    writes cases.json, numbers.bin (outputs and gradients) and the graphs to OUT

needs torch, torchvision, timm, transformers, onnx, onnxscript, onnxruntime
"""

import contextlib
import gzip
import io
import json
import logging
import shutil
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import onnx
import reference
import timm
import torch
import torchvision
import transformers
from export import export
from registry import ALL
from strip import Recipes, strip

LARGEST_FILE = 1_000_000


def write_graph(path, stripped_path, recipes):
    model = onnx.load(path)
    left = strip(model, recipes)
    stripped_path.write_bytes(gzip.compress(model.SerializeToString(), 9, mtime=0))
    return left, model.graph


def embedding_in(graph, recipe):
    """The name of the tensor of token embeddings: what is gathered from their table."""
    tables = {each.name for each in graph.initializer for entry in each.external_data if entry.value == recipe}
    tables |= {node.output[0] for node in graph.node if node.op_type == "Identity" and node.input[0] in tables}
    (found,) = [node.output[0] for node in graph.node if node.op_type == "Gather" and node.input[0] in tables]
    return found


def make(architecture, work):
    network, fills = reference.filled(architecture)
    found = reference.refer(network, architecture)
    recipes = Recipes(network, fills)
    np.save(work / f"{architecture.name}.gradient.npy", reference.sampled(found.gradient).astype("<f4"))
    np.save(work / f"{architecture.name}.outputs.npy", reference.sampled(found.outputs).astype("<f4"))
    case = {
        "name": architecture.name,
        "source": architecture.source,
        "kind": architecture.kind,
        "input": [1, architecture.size] if architecture.kind == "text" else [1, architecture.channels, architecture.size, architecture.size],
        "inputNumber": found.input_number,
                "start": found.start,
        "count": found.count,
        "value": found.value,
        "outputs": {"dims": found.output_shape, "largest": float(np.abs(found.outputs).max())},
        "gradient": {
            "dims": list(found.gradient.shape),
            "largest": float(np.abs(found.gradient).max()),
            "norm": float(np.linalg.norm(found.gradient)),
            "rounding": float(f"{found.rounding:.1e}"),
        },
        "graphs": [],
    }
    if architecture.kind == "text":
        case |= {"vocabulary": architecture.vocabulary, "masked": architecture.masked, "tokens": [float(each) for each in found.tokens]}
    failures = {}
    for exporter in ("script", "dynamo"):
        path, started = work / f"{architecture.name}.{exporter}.onnx", time.time()
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                about = export(network, architecture, exporter, lambda batch: reference.inputs_of(architecture, found.input_number, batch), path)
        except Exception as error:  # noqa: BLE001
            failures[exporter] = f"{type(error).__name__}: {str(error)[:300]}"
            print(f"{architecture.name} {exporter} FAILED {failures[exporter]}".replace("\n", " "), flush=True)
            path.unlink(missing_ok=True)
            continue
        left, graph = write_graph(path, work / f"{architecture.name}.{exporter}.onnx.gz", recipes)
        size = (work / f"{architecture.name}.{exporter}.onnx.gz").stat().st_size
        if architecture.kind == "text":
            about["embedding"] = embedding_in(graph, recipes.of(architecture.embedding(network).weight.detach().numpy()))
        case["graphs"].append({"exporter": exporter, **about, "nodes": len(graph.node)})
        print(
            f"{architecture.name} {exporter} {about} {len(graph.node)} nodes, {size} bytes, {time.time() - started:.1f} s"
            + (f", left {sum(n for _, n in left)} in {len(left)}: {left[:3]}" if left else "")
            + (" TOO LARGE" if size > LARGEST_FILE else ""),
            flush=True,
        )
        path.unlink()
    (work / f"{architecture.name}.json").write_text(json.dumps({"case": case, "failures": failures}))


def collect(work, out):
    """All that was exported, in one folder."""
    out.mkdir(parents=True, exist_ok=True)
    for each in [*out.glob("*.onnx.gz"), *out.glob("*.bin"), *out.glob("cases.json")]:
        each.unlink()
    cases, numbers = [], []
    for name in ALL:
        path = work / f"{name}.json"
        if not path.exists():
            continue
        case = json.loads(path.read_text())["case"]
        if not case["graphs"]:
            continue
        for part in ("outputs", "gradient"):
            array = np.load(work / f"{name}.{part}.npy").reshape(-1)
            case[part] |= {"offset": sum(map(len, numbers)), "count": len(array)}
            numbers.append(array)
        cases.append(case)
        for graph in case["graphs"]:
            shutil.copy(work / f"{name}.{graph['exporter']}.onnx.gz", out)
    np.concatenate(numbers).astype("<f4").tofile(out / "numbers.bin")
    versions = {each.__name__: each.__version__ for each in (torch, torchvision, timm, transformers)}
    lines = ",\n".join(json.dumps(case) for case in cases)
    (out / "cases.json").write_text('{"versions": %s,\n"cases": [\n%s\n]}\n' % (json.dumps(versions), lines))


def main(work, *names):
    work.mkdir(parents=True, exist_ok=True)
    for name in names or ALL:
        if (work / f"{name}.json").exists():
            continue
        try:
            make(ALL[name], work)
        except Exception as error:  # noqa: BLE001
            print(f"{name} FAILED {type(error).__name__}: {str(error)[:300]}", flush=True)


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)
    if sys.argv[2:3] == ["--collect"]:
        collect(Path(sys.argv[1]), Path(sys.argv[3]))
    else:
        main(Path(sys.argv[1]), *sys.argv[2:])
