"""
Small random transformers by both exporters of PyTorch, in the precisions that are deployed, and fused by ONNX Runtime's
optimiser, for packages/relprop/test/precisions.

    python precisions.py FOLDER [NAME ...]

needs torch, transformers 5, onnx, onnxscript and onnxruntime

NAME.EXPORTER.float32      as exported: script at opset 17, dynamo at 18
NAME.EXPORTER.float16      the network in half precision, exported
NAME.EXPORTER.mixed16      float32 turned into float16 by onnxruntime.transformers.float16, inputs and outputs left as they are
NAME.EXPORTER.int8         quantize_dynamic
NAME.EXPORTER.qdq          quantize_static, QDQ, calibrated on random inputs
NAME.EXPORTER.int4         MatMulNBits, blocks of 16
NAME.EXPORTER.fused        onnxruntime.transformers.optimizer; .fused16 in float16, .fused8 with quantize_dynamic behind it
cases.json                 outputs and gradients by torch in float64; operators of com.microsoft in each file; what failed

Weights are multiples of 1/32 below 1/4, and every block of 16 has both ends of them: so float16 and int4 hold them
exactly, and files are small.
"""

import gzip
import json
import logging
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
import transformers
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers import optimizer
from onnxruntime.transformers.float16 import convert_float_to_float16

sys.path.insert(0, str(Path(__file__).parent / "architectures"))
from export import by_dynamo, check, scripted  # noqa: E402
from fills import below, fill  # noqa: E402
from of_transformers import image, text  # noqa: E402
from reference import gradient_of, inputs_of  # noqa: E402

SIZES = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
BEGIN_END = {"bos_token_id": 1, "eos_token_id": 2}
ARCHITECTURES = [
    text("bert", "BertForSequenceClassification", "BertConfig", **SIZES, max_position_embeddings=32),
    text("gpt2", "GPT2LMHeadModel", "GPT2Config", n_embd=32, n_layer=1, n_head=2, n_inner=32, n_positions=32, use_cache=False, **BEGIN_END),
    text("llama", "LlamaForCausalLM", "LlamaConfig", **SIZES, num_key_value_heads=1, head_dim=16, max_position_embeddings=32, use_cache=False, **BEGIN_END),
    image("vit", "ViTForImageClassification", "ViTConfig", 16, **SIZES, patch_size=8),
]
# What the optimiser calls them.
KINDS = {"bert": "bert", "gpt2": "gpt2", "llama": "gpt2", "vit": "vit"}
BLOCK = 16
FEEDS = 16


def grid(count, number):
    """Multiples of 1/32 from -8/32 to 7/32; each block of 16 has both ends."""
    steps = below(count, number, 16) - 8
    places = np.arange(0, count, BLOCK)
    low = below(len(places), number + 1000, BLOCK)
    high = (low + 1 + below(len(places), number + 2000, BLOCK - 1)) % BLOCK
    if count % BLOCK == 0:
        steps[places + low], steps[places + high] = -8, 7
    return torch.from_numpy(steps / 32)


def filled(architecture):
    torch.manual_seed(0)
    network = architecture.build().eval()
    with torch.no_grad():
        for number, (name, each) in enumerate(network.named_parameters()):
            if each.dim() == 1:
                middle = 0 if name.endswith("bias") else 1
                each.copy_(torch.from_numpy(np.round(fill(each.numel(), number, -0.2, 0.2) * 32) / 32 + middle))
            else:
                # Blocks are of inputs: the rows of a Linear, the columns of GPT-2's Conv1D.
                is_turned = "c_" in name and each.dim() == 2
                flat = grid(each.numel(), number)
                each.copy_(flat.view(each.T.shape).T if is_turned else flat.view(each.shape))
    return network


def names_of(architecture):
    return ["input_ids", "attention_mask"] if architecture.kind == "text" else ["input"]


class Feeds(CalibrationDataReader):
    def __init__(self, architecture):
        numbers = [100 + i for i in range(FEEDS)]
        feeds = [[each.numpy() for each in inputs_of(architecture, number)] for number in numbers]
        self.left = iter([dict(zip(names_of(architecture), each)) for each in feeds])

    def get_next(self):
        return next(self.left, None)


def export(network, architecture, exporter, path, dtype=torch.float32):
    # torch.export takes a size of 1 for a constant, and cannot name the sizes of what is given as *inputs alone.
    is_open = exporter == "script" or architecture.kind == "text"
    inputs = tuple(each.to(dtype) if each.is_floating_point() else each for each in inputs_of(architecture, 1, 2 if is_open else 1))
    made = network.to(dtype)
    try:
        if exporter == "script":
            scripted(made, architecture, inputs, path, is_open)
        else:
            by_dynamo(made, architecture, inputs, path, is_open, 18)
    finally:
        network.float()
    if dtype == torch.float32:
        check(path, network, inputs_of(architecture, 1))


def forms(network, architecture, exporter, place):
    """The files, as (form, writer of it)."""
    float32 = place / f"{architecture.name}.{exporter}.onnx"
    before, target = place / "before.onnx", place / "target.onnx"
    export(network, architecture, exporter, float32)
    quant_pre_process(str(float32), str(before), skip_symbolic_shape=True)

    def float16():
        export(network, architecture, exporter, target, torch.float16)
        return onnx.load(target)

    def fused(dtype=None):
        made = optimizer.optimize_model(str(float32), model_type=KINDS[architecture.name], num_heads=2, hidden_size=32, use_gpu=dtype is not None)
        if dtype:
            made.convert_float_to_float16(keep_io_types=True)
        return made.model

    def int8(source):
        quantize_dynamic(source, target, weight_type=QuantType.QInt8, extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT})
        return onnx.load(target)

    def fused8():
        onnx.save(fused(), before.with_name("fused.onnx"))
        return int8(before.with_name("fused.onnx"))

    def qdq():
        quantize_static(before, target, Feeds(architecture), quant_format=QuantFormat.QDQ, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
        return onnx.load(target)

    def int4():
        config = DefaultWeightOnlyQuantConfig(block_size=BLOCK, is_symmetric=False, bits=4, quant_format=QuantFormat.QOperator)
        quantizer = MatMulNBitsQuantizer(onnx.load(float32), algo_config=config)
        quantizer.process()
        return quantizer.model.model

    return {
        "float32": lambda: onnx.load(float32),
        "float16": float16,
        "mixed16": lambda: convert_float_to_float16(onnx.load(before), keep_io_types=True),
        "int8": lambda: int8(before),
        "qdq": qdq,
        "int4": int4,
        "fused": fused,
        "fused16": lambda: fused("float16"),
        "fused8": fused8,
    }


def store(model, path):
    for node in model.graph.node:
        node.ClearField("doc_string")
        node.ClearField("metadata_props")
    del model.graph.value_info[:]
    path.write_bytes(gzip.compress(model.SerializeToString(), 9, mtime=0))
    return path.stat().st_size


def contrib_of(model):
    names = [node.op_type for node in model.graph.node if node.domain == "com.microsoft"]
    return {name: names.count(name) for name in sorted(set(names))}


def reference(network, architecture, number=1):
    """The input, the outputs, and the gradient of one output by the picture, or its length for each token's embedding."""
    inputs = inputs_of(architecture, number)
    exact = network.double()
    with torch.no_grad():
        shape = exact(*[each.double() if each.is_floating_point() else each for each in inputs]).shape
    # The fourth number; in texts the fourth of the last place that is no padding.
    start = 3 if len(shape) == 2 else (shape[1] - 3) * shape[2] + 3
    _, value, outputs, gradient, _ = gradient_of(exact, architecture, inputs, (start, 1))
    network.float()
    found = gradient.norm(dim=-1) if architecture.kind == "text" else gradient
    given = {"start": start, "value": value, "dims": list(outputs.shape), "outputs": [float(f"{each:.9g}") for each in outputs.reshape(-1)]}
    return given | {"input": [each.reshape(-1).tolist() for each in inputs], "inputDims": list(inputs[0].shape), "gradient": [float(f"{each:.9g}") for each in found.reshape(-1).tolist()]}


def main(folder, *names):
    folder.mkdir(exist_ok=True)
    cases = []
    for architecture in ARCHITECTURES:
        if names and architecture.name not in names:
            continue
        network = filled(architecture)
        case = {"name": architecture.name, "kind": architecture.kind, **reference(network, architecture), "files": []}
        with tempfile.TemporaryDirectory() as place:
            for exporter in ("script", "dynamo"):
                for form, make in forms(network, architecture, exporter, Path(place)).items():
                    try:
                        model = make()
                    except Exception as error:  # noqa: BLE001  tools raise whatever they like
                        print(architecture.name, exporter, form, "FAILED", type(error).__name__, str(error)[:300].replace("\n", " "), flush=True)
                        continue
                    size = store(model, folder / f"{architecture.name}.{exporter}.{form}.onnx.gz")
                    contrib = contrib_of(model)
                    case["files"].append({"exporter": exporter, "form": form, "contrib": contrib})
                    print(architecture.name, exporter, form, size, contrib, flush=True)
        cases.append(case)
    (folder / "cases.json").write_text("[\n%s\n]\n" % ",\n".join(map(json.dumps, cases)))


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)
    main(Path(sys.argv[1]), *sys.argv[2:])
