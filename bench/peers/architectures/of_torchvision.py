"""Architectures of torchvision."""

import torchvision
from architecture import Architecture, Only
from torch import nn

models = torchvision.models


def narrow_classifier(network, side):
    """
    VGG and AlexNet with 64 instead of 4096 numbers in their dense layers, and the adaptive pooling to the size that the
    map has: so it is at 224 pixels, where it does nothing.
    """
    dense = [i for i, each in enumerate(network.classifier) if isinstance(each, nn.Linear)]
    channels = network.classifier[dense[0]].in_features // network.avgpool.output_size[0] ** 2
    sizes = (channels * side * side, 64, 64, 20)
    network.avgpool = nn.AdaptiveAvgPool2d(side)
    for place, inputs, outputs in zip(dense, sizes, sizes[1:]):
        network.classifier[place] = nn.Linear(inputs, outputs)
    return network


def named(name, **options):
    return lambda: getattr(models, name)(weights=None, num_classes=20, **options)


def image(name, size=64, **options):
    return Architecture(name, "torchvision", named(name, **options), size)


def narrow(name, side=2):
    return Architecture(name, "torchvision", lambda: narrow_classifier(named(name)(), side))


def segmentation(name, **options):
    build = lambda: Only(getattr(models.segmentation, name)(weights=None, weights_backbone=None, num_classes=5, **options), lambda y: y["out"])
    return Architecture(name, "torchvision", build, 64)


def detection_heads():
    network = models.detection.ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=5)

    class Heads(nn.Module):
        def __init__(self):
            super().__init__()
            self.backbone, self.head = network.backbone, network.head

        def forward(self, x):
            return self.head(list(self.backbone(x).values()))["cls_logits"]

    return Heads()


def vision_transformer():
    return models.VisionTransformer(image_size=64, patch_size=16, num_layers=3, num_heads=4, hidden_dim=64, mlp_dim=128, num_classes=20)


def swin(version, window):
    blocks = {1: {}, 2: {"block": models.swin_transformer.SwinTransformerBlockV2, "downsample_layer": models.swin_transformer.PatchMergingV2}}
    return lambda: models.SwinTransformer(
        patch_size=[4, 4], embed_dim=32, depths=[2, 2, 2], num_heads=[2, 4, 4], window_size=window, num_classes=20, **blocks[version]
    )


def maxvit():
    return models.MaxVit(
        input_size=(64, 64), stem_channels=16, partition_size=2, block_channels=[16, 32, 64], block_layers=[1, 1, 1],
        head_dim=16, stochastic_depth_prob=0.0, num_classes=20,
    )


def convnext():
    setting = models.convnext.CNBlockConfig
    return models.ConvNeXt([setting(32, 64, 2), setting(64, 96, 2), setting(96, None, 2)], num_classes=20)


ARCHITECTURES = [
    *[narrow(f"vgg{depth}{norm}") for depth in (11, 13, 16, 19) for norm in ("", "_bn")],
    *[image(f"resnet{depth}") for depth in (18, 34, 50, 101, 152)],
    image("resnext50_32x4d"),
    image("wide_resnet50_2"),
    image("regnet_x_400mf"),
    image("regnet_y_400mf"),
    *[image(f"densenet{depth}") for depth in (121, 161, 169, 201)],
    image("inception_v3", 96, aux_logits=False, init_weights=False),
    image("googlenet", aux_logits=False, init_weights=False),
    narrow("alexnet", 1),
    image("squeezenet1_0"),
    image("squeezenet1_1"),
    image("shufflenet_v2_x0_5"),
    image("shufflenet_v2_x1_0"),
    image("mobilenet_v2"),
    image("mobilenet_v3_small"),
    image("mobilenet_v3_large"),
    image("efficientnet_b0"),
    image("efficientnet_v2_s"),
    image("mnasnet0_5"),
    Architecture("convnext_tv", "torchvision", convnext),
    Architecture("maxvit_tv", "torchvision", maxvit),
    Architecture("vit_tv", "torchvision", vision_transformer),
    Architecture("swin_tv", "torchvision", swin(1, [4, 4])),
    Architecture("swin_v2_tv", "torchvision", swin(2, [2, 2])),
    segmentation("deeplabv3_mobilenet_v3_large"),
    segmentation("deeplabv3_resnet50"),
    segmentation("fcn_resnet50"),
    segmentation("lraspp_mobilenet_v3_large"),
    Architecture("ssdlite_heads", "torchvision", detection_heads, 96),
]
