"""The networks of handmade.py."""

from architecture import Architecture
from handmade import AnchorDetector, Detector, UNet

ARCHITECTURES = [
    Architecture("unet_transposed", "handmade", lambda: UNet("transposed")),
    Architecture("unet_bilinear", "handmade", lambda: UNet("bilinear")),
    Architecture("unet_nearest", "handmade", lambda: UNet("nearest")),
    Architecture("detector", "handmade", Detector),
    Architecture("anchor_detector", "handmade", AnchorDetector),
]
