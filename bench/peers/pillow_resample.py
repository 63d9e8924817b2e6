"""
Pictures resized by Pillow, for packages/relprop/test/preprocess.

    python pillow_resample.py FILE              writes the cases as JSON

needs pillow 13 and numpy
"""

import json
import sys

import numpy as np
from PIL import Image

filters = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
pixels = np.random.default_rng(7).integers(0, 256, (11, 17, 3), dtype=np.uint8)
picture = Image.fromarray(pixels)
cases = [
    {
        "interpolation": name,
        "width": width,
        "height": height,
        "pixels": np.asarray(picture.resize((width, height), each)).flatten().tolist(),
    }
    for name, each in filters.items()
    for width, height in [(5, 4), (6, 7), (23, 15), (17, 3)]
]
with open(sys.argv[1], "w") as file:
    json.dump({"width": 17, "height": 11, "pixels": pixels.flatten().tolist(), "cases": cases}, file)
