"""Small random transformers, and their AttnLRP and CP-LRP by lxt 2.1's two forms, with its ε and without any, in float64.

    python lxt_small_models.py FOLDER [NAME ...]    writes <name>.onnx.gz, cases.json and relevance.bin

Then `node lxt_small_models.mjs FOLDER` explains them with relprop and prints a table. Three of the models are the data of
packages/relprop/test/lxt/small:

    python lxt_small_models.py FOLDER bert-32-0.02-1 gpt2-32-0.2-1 llama-32-0.02-0

needs torch, transformers, lxt, zennit and onnx; for lxt.efficient transformers 4, which it was written for (4.51 was used)

The models are initialised as transformers does it, with a standard deviation of 0.02, its own, or 0.2: BERT, GPT-2, Llama and
Qwen2, two layers of 32 or 64 numbers a token, three seeds. `lxt.explicit` divides by z + ε, ε = 1e-6 in layers and 1e-8 in
sums and products of tensors; lxt_relevance.py says how it is put into a network, which it is here for BERT and GPT-2.
`lxt.efficient` is gradient times input of a patched network, which has no ε. The patches of BERT reach networks that are
built after them, so every network is built anew there.
"""

import copy
import gzip
import importlib.metadata
import json
import sys
import warnings
from pathlib import Path

import lxt_relevance as explicit
import numpy as np
import onnx
import reference
import torch
import transformers
from architecture import Architecture
from export import scripted
from of_transformers import Text, logits

TOKENS, VOCABULARY, LABELS = 12, 40, 5
KINDS = {
    "bert": ("BertForSequenceClassification", "BertConfig"),
    "gpt2": ("GPT2LMHeadModel", "GPT2Config"),
    "llama": ("LlamaForCausalLM", "LlamaConfig"),
    "qwen2": ("Qwen2ForCausalLM", "Qwen2Config"),
}
# What lxt_relevance.py has rules for.
IN_EXPLICIT = ("bert", "gpt2")
ALL = [f"{kind}-{width}-{spread}-{seed}" for kind in KINDS for width in (32, 64) for spread in (0.02, 0.2) for seed in range(3)]


def parts(name):
    kind, width, spread, seed = name.split("-")
    return kind, int(width), float(spread), int(seed)


def config_of(name):
    kind, width, spread, _ = parts(name)
    if kind == "gpt2":
        sizes = {"n_embd": width, "n_layer": 2, "n_head": 4, "n_inner": width, "n_positions": 16}
    else:
        sizes = {"hidden_size": width, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": width, "max_position_embeddings": 16}
    own = {"bert": {"num_labels": LABELS}, "gpt2": {"use_cache": False}}.get(kind, {"use_cache": False, "num_key_value_heads": 2})
    tokens = {"vocab_size": VOCABULARY, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    return getattr(transformers, KINDS[kind][1])(**sizes, **own, **tokens, initializer_range=spread, attn_implementation="eager")


def network_of(name, model=None):
    """`model`: its class, if it is not the one that transformers exports."""
    torch.manual_seed(parts(name)[3])
    made = model or getattr(transformers, KINDS[parts(name)[0]][0])
    return Text(made(config_of(name)).eval(), logits).eval()


def inputs_of(name):
    """Token ids and a mask; it hides the last two tokens for odd seeds."""
    seed = parts(name)[3]
    ids = torch.randint(5, VOCABULARY, (1, TOKENS), generator=torch.Generator().manual_seed(seed))
    mask = torch.ones_like(ids)
    mask[:, -2:] = 1 - seed % 2
    return ids, mask


def architecture_of(name, network):
    embedding = lambda each: each.network.get_input_embeddings()  # noqa: E731
    return Architecture(name, "transformers", lambda: network, TOKENS, "text", vocabulary=VOCABULARY, embedding=embedding)


def distance(found, expected):
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def in_both(relevance_in, network):
    """(relevance in float64, how far that in float32 lies from it)."""
    exact = relevance_in(network.double())
    return exact, distance(relevance_in(network.float()), exact)


def write_model(name, network, folder):
    """Returns the name of the tensor of token embeddings."""
    path = folder / f"{name}.onnx"
    scripted(network, architecture_of(name, network), inputs_of(name), path, False)
    graph = onnx.load(path)
    path.unlink()
    (folder / f"{name}.onnx.gz").write_bytes(gzip.compress(graph.SerializeToString(), 9, mtime=0))
    tables = {each.name for each in graph.graph.initializer if list(each.dims)[:1] == [VOCABULARY]}
    (found,) = [node.output[0] for node in graph.graph.node if node.op_type == "Gather" and node.input[0] in tables]
    return found


def by_explicit(name, network, target):
    """{run: (relevance, rounding)}"""
    if parts(name)[0] not in IN_EXPLICIT:
        return {}
    prepared, architecture = explicit.prepare(copy.deepcopy(network)), architecture_of(name, network)
    return {
        (composite if has_epsilon else f"{composite}, no epsilon"): in_both(
            lambda each: explicit.relevance_of(each, architecture, inputs_of(name), composite, target, has_epsilon)[2],  # noqa: B023
            prepared,
        )
        for composite in explicit.COMPOSITES
        for has_epsilon in (True, False)
    }


def patched_models():
    """{kind: class} as lxt.efficient patches them; none if it does not load with this version of transformers."""
    modules = {}
    try:
        from lxt.efficient import monkey_patch

        for kind in KINDS:
            modules[kind] = importlib.import_module(f"transformers.models.{kind}.modeling_{kind}")
            monkey_patch(modules[kind])
    except Exception as error:  # noqa: BLE001  it fails wherever transformers has changed
        print("without lxt.efficient:", error)
        return {}
    return {kind: getattr(module, KINDS[kind][0]) for kind, module in modules.items()}


def by_efficient(name, weights, model, target):
    """(relevance, rounding)"""
    network = network_of(name, model)
    network.load_state_dict(weights)

    def relevance_in(each):
        x, outputs = reference.run_from(each, architecture_of(name, each), inputs_of(name))
        reference.value_of(outputs, target).backward()
        return (x * x.grad).detach().numpy()

    return in_both(relevance_in, network)


def main(folder, names):
    folder.mkdir(parents=True, exist_ok=True)
    warnings.filterwarnings("ignore")
    cases, found, weights, numbers = {}, {}, {}, []
    for name in names:
        network = network_of(name)
        ids, mask = inputs_of(name)
        outputs = network(ids, mask).detach()
        target = reference.target_of(outputs)
        case = {"name": name, "ids": ids[0].tolist(), "mask": mask[0].tolist(), "output": list(outputs.shape), "start": target[0]}
        cases[name] = case | {"embedding": write_model(name, network, folder)}
        weights[name] = network.state_dict()
        found[name] = by_explicit(name, network, target)
    models = patched_models()
    for name in names:
        if model := models.get(parts(name)[0]):
            found[name]["lxt.efficient"] = by_efficient(name, weights[name], model, (cases[name]["start"], 1))
        cases[name]["runs"] = {}
        for run, (relevance, rounding) in found[name].items():
            cases[name]["runs"][run] = {"offset": sum(each.size for each in numbers), "count": relevance.size, "rounding": float(f"{rounding:.1e}")}
            numbers.append(relevance.astype("<f4").reshape(-1))
    np.concatenate(numbers).tofile(folder / "relevance.bin")
    versions = {name: importlib.metadata.version(name) for name in ("lxt", "torch")} | {"transformers": transformers.__version__}
    (folder / "cases.json").write_text(json.dumps({"versions": versions, "cases": list(cases.values())}, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or ALL)
