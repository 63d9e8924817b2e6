"""Small random transformers as plain ONNX, and as ONNX Runtime's optimiser and onnxruntime-genai's model builder write them.

    python fused_transformers.py plain WORK [NAME ...]     by Optimum: needs optimum-onnx and transformers 4
    python fused_transformers.py optimised WORK [NAME ...] needs onnxruntime
    python fused_transformers.py genai WORK [NAME ...]     needs onnxruntime-genai, onnx-ir and transformers 5
    python fused_transformers.py store WORK FOLDER         writes <name>.<producer>.onnx.gz

in this order, as the producers want different versions of transformers. packages/relprop/test/fused holds what they wrote.
All weights are multiples of 1/32, so that the files are small.
"""

import gzip
import sys
from pathlib import Path

SIZES = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32, "max_position_embeddings": 32}
TOKENS = {"vocab_size": 40, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
GROUPED = {**SIZES, **TOKENS, "num_key_value_heads": 1, "head_dim": 16}
# The model builder rounds the root of the width, which scales embeddings, to two digits; Optimum leaves out the soft cap.
GEMMA = {"hidden_size": 16, "attn_logit_softcapping": None, "sliding_window": 4, "layer_types": ["sliding_attention"]}
MODELS = {
    "bert": ("BertForSequenceClassification", "BertConfig", {**SIZES, **TOKENS, "num_labels": 5}, "text-classification", "bert"),
    "distilbert": ("DistilBertForSequenceClassification", "DistilBertConfig", {"vocab_size": 40, "dim": 32, "n_layers": 1, "n_heads": 2, "hidden_dim": 32, "max_position_embeddings": 32, "num_labels": 5, "pad_token_id": 0}, "text-classification", "bert"),
    "vit": ("ViTForImageClassification", "ViTConfig", {**SIZES, "image_size": 16, "patch_size": 8, "num_labels": 5}, "image-classification", "vit"),
    "gpt2": ("GPT2LMHeadModel", "GPT2Config", {"vocab_size": 40, "n_embd": 32, "n_layer": 1, "n_head": 2, "n_inner": 32, "n_positions": 32, "bos_token_id": 1, "eos_token_id": 2}, "text-generation", "gpt2"),
    "llama": ("LlamaForCausalLM", "LlamaConfig", GROUPED, "text-generation", "gpt2"),
    "qwen3": ("Qwen3ForCausalLM", "Qwen3Config", GROUPED, "text-generation", None),
    "gemma2": ("Gemma2ForCausalLM", "Gemma2Config", {**GROUPED, **GEMMA}, "text-generation", None),
}
GENAI = ("llama", "qwen3", "gemma2")


def save(name, folder):
    import torch
    import transformers

    model, config, options, *_ = MODELS[name]
    torch.manual_seed(0)
    network = getattr(transformers, model)(getattr(transformers, config)(**options, attn_implementation="eager")).eval()
    with torch.no_grad():
        for each in network.parameters():
            spread = 0.1 if each.dim() == 1 else 0.3
            each.copy_(((each if each.dim() == 1 else 0) + spread * torch.randn_like(each)).mul(32).round().div(32))
    network.save_pretrained(folder)


def plain(work, name):
    from optimum.exporters.onnx import main_export

    save(name, work / name / "checkpoint")
    main_export(str(work / name / "checkpoint"), str(work / name / "plain"), task=MODELS[name][3], do_validation=False, no_post_process=True)


def optimised(work, name):
    from onnxruntime.transformers import optimizer

    kind = MODELS[name][4]
    if kind is None:
        return
    heads, width = 2, 32
    made = optimizer.optimize_model(str(work / name / "plain" / "model.onnx"), model_type=kind, num_heads=heads, hidden_size=width, use_gpu=False)
    (work / name / "optimised").mkdir(exist_ok=True)
    made.save_model_to_file(str(work / name / "optimised" / "model.onnx"))


def genai(work, name):
    from onnxruntime_genai.models.builder import create_model, parse_extra_options

    if name not in GENAI:
        return
    given = (None, str(work / name / "checkpoint"), str(work / name / "genai"), "fp32", "cpu", str(work / "cache"))
    create_model(*given, **parse_extra_options(*given, []))


def store(work, folder):
    import onnx

    for path in sorted(work.glob("*/*/model.onnx")):
        name, producer = path.parts[-3:-1]
        model = onnx.load(path)
        for node in model.graph.node:
            node.ClearField("doc_string")
            node.ClearField("metadata_props")
        del model.graph.value_info[:]
        target = Path(folder) / f"{name}.{producer}.onnx.gz"
        target.write_bytes(gzip.compress(model.SerializeToString(), 9, mtime=0))
        print(target.name, target.stat().st_size)


if __name__ == "__main__":
    step, work, *rest = sys.argv[1:]
    if step == "store":
        store(Path(work), rest[0])
    else:
        for each in rest or MODELS:
            {"plain": plain, "optimised": optimised, "genai": genai}[step](Path(work), each)
