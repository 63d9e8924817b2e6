"""PyTorch's two exporters, as people call them: the scripted one at opset 17, and the one by torch.export at opset 18 or 20."""

import onnx
import torch

IMAGE = ["input"]
TEXT = ["input_ids", "attention_mask"]


def names_of(architecture):
    return TEXT if architecture.kind == "text" else IMAGE


def axes_of(architecture):
    """Open batch; text is as long as it is, which attention masks are made for."""
    return {name: {0: "N"} for name in [*names_of(architecture), "output"]}


def scripted(network, architecture, inputs, path, open_batch):
    torch.onnx.export(
        network, inputs, path, dynamo=False, opset_version=17, input_names=names_of(architecture), output_names=["output"],
        dynamic_axes=axes_of(architecture) if open_batch else None,
    )


def by_dynamo(network, architecture, inputs, path, open_batch, opset):
    shapes = tuple({0: torch.export.Dim("N", min=1)} for _ in inputs) if open_batch else None
    torch.onnx.export(
        network, inputs, path, dynamo=True, opset_version=opset, input_names=names_of(architecture), output_names=["output"],
        dynamic_shapes=shapes, external_data=False, verbose=False,
    )


# Opset 20 has Gelu as one operator, 18 spells it out.
OPSETS = {"torchvision": 18, "timm": 20, "transformers": 18, "handmade": 20}


def export(network, architecture, exporter, inputs_with, path):
    """
    Writes the network as the exporter has it, with an open batch where it can be.

    inputs_with: batch -> inputs. Returns {"batch": "N" | 1, "opset": int}.
    """
    failure = None
    # torch.export takes sizes 0 and 1 for constants, so an open batch is shown as 2.
    for open_batch in (True, False):
        inputs = inputs_with(2 if open_batch else 1)
        try:
            if exporter == "script":
                scripted(network, architecture, inputs, path, open_batch)
            else:
                by_dynamo(network, architecture, inputs, path, open_batch, OPSETS[architecture.source])
            check(path, network, inputs_with(1))
            if open_batch:
                check(path, network, inputs_with(3))
            opset = next(each.version for each in onnx.load(path).opset_import if each.domain == "")
            return {"batch": "N" if open_batch else 1, "opset": opset}
        except Exception as error:  # noqa: BLE001  the exporters raise whatever they like
            failure = failure or error
    raise failure


def check(path, network, inputs):
    """The exported graph computes what the network computes."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    feeds = {each.name: tensor.numpy() for each, tensor in zip(session.get_inputs(), inputs)}
    (found,) = session.run(None, feeds)
    with torch.no_grad():
        expected = network(*inputs).numpy()
    distance = abs(found - expected).max() / abs(expected).max()
    if found.shape != expected.shape or not distance < 1e-3:
        raise ValueError(f"exported graph differs from the network: {found.shape} {expected.shape} {distance:.2e}")
