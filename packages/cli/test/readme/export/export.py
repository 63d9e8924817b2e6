import torch

model = torch.nn.Sequential(  # your trained network
    torch.nn.Conv2d(3, 8, 3, padding=1),
    torch.nn.ReLU(),
    torch.nn.MaxPool2d(2),
    torch.nn.Conv2d(8, 16, 3, padding=1),
    torch.nn.ReLU(),
    torch.nn.AdaptiveAvgPool2d(1),
    torch.nn.Flatten(),
    torch.nn.Linear(16, 3),
).eval()

torch.onnx.export(
    model,
    (torch.rand(2, 3, 64, 64),),
    "net.onnx",
    dynamo=True,
    external_data=False,
    input_names=["image"],
    output_names=["logits"],
    dynamic_shapes=({0: torch.export.Dim("batch")},),
)
