"""Metrics of explanations by Quantus, for packages/relprop/test/evaluate.

    python quantus_metrics.py FOLDER        writes quantus.json

needs torch, quantus (https://pypi.org/project/quantus) and what it needs: numpy, scipy, scikit-image

A small network with a softmax, one input and one map with random numbers. Where Quantus draws at random (subsets, noise),
its draws are replaced by ones that are stored with the results. Numbers are stored with four decimals, so both compute with
the same.
"""

import importlib.metadata
import json
import sys
import warnings
from pathlib import Path
from unittest import mock

import numpy as np
import quantus
import torch
from quantus.functions import complexity_func, perturb_func, similarity_func
from scipy.ndimage import gaussian_filter
from torch import nn

warnings.filterwarnings("ignore")
# NumPy 2.4 calls it by this name alone.
np.trapz = np.trapezoid
CHANNELS, SIDE, HIDDEN, CLASSES, CLASS = 3, 12, 6, 4, 2
draws = np.random.default_rng(7)


def rounded(*shape, scale=1.0):
    return np.round(draws.normal(size=shape) * scale, 4)


first, bias = rounded(HIDDEN, CHANNELS * SIDE * SIDE, scale=0.1), rounded(HIDDEN)
second = rounded(CLASSES, HIDDEN)
x = rounded(1, CHANNELS, SIDE, SIDE)
# More where the answer depends on more, so the order means something.
relevance = np.round(rounded(1, 1, SIDE, SIDE) + 5 * np.abs(first).reshape(HIDDEN, CHANNELS, SIDE, SIDE).sum((0, 1))[None, None], 4)
y = np.array([CLASS])


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(CHANNELS * SIDE * SIDE, HIDDEN)
        self.second = nn.Linear(HIDDEN, CLASSES, bias=False)
        with torch.no_grad():
            self.first.weight.copy_(torch.tensor(first))
            self.first.bias.copy_(torch.tensor(bias))
            self.second.weight.copy_(torch.tensor(second))

    def forward(self, pictures):
        return self.second(torch.tanh(self.first(pictures.flatten(1))))


model = Network().eval()


def measure(metric, a=relevance, **more):
    with torch.no_grad():
        found = metric(model=model, x_batch=x.copy(), y_batch=y, a_batch=a.copy(), device="cpu", channel_first=True, softmax=True, **more)
    return np.asarray(found, dtype=float)


quiet = {"disable_warnings": True, "abs": False, "normalise": False}
results = {}
# The map holds for all channels of a pixel, which are removed together: equal numbers would come in any order.
spread = np.repeat(relevance, CHANNELS, 1) + np.arange(CHANNELS).reshape(1, -1, 1, 1) * 1e-9
metric = quantus.PixelFlipping(features_in_step=CHANNELS * 12, perturb_baseline=0.0, **quiet)
results["pixel-flipping"] = measure(metric, spread)[0].tolist()
for order in ["morf", "lerf"]:
    metric = quantus.RegionPerturbation(patch_size=3, regions_evaluation=16, perturb_baseline=0.0, order=order, **quiet)
    results[f"region-perturbation {order}"] = measure(metric, np.repeat(relevance, CHANNELS, 1))[0].tolist()

# Subsets of pixels, all channels of a pixel together.
cells = np.arange(CHANNELS * SIDE * SIDE).reshape(CHANNELS, -1)
subsets = [draws.permutation(SIDE * SIDE)[:20] for _ in range(12)]
elements = iter([cells[:, subset].flatten() for subset in subsets])
# Each element has a third of its pixel's relevance, so sums over elements are sums over pixels.
thirds = np.repeat(relevance, CHANNELS, 1) / CHANNELS
metric = quantus.FaithfulnessCorrelation(nr_runs=12, subset_size=20 * CHANNELS, perturb_baseline=0.0, **quiet)
with mock.patch("numpy.random.choice", lambda *_given, **_more: next(elements)):
    results["faithfulness-correlation"] = measure(metric, thirds).tolist()
results["subsets"] = [subset.tolist() for subset in subsets]

# Infidelity multiplies the map by the change of the input, which black undoes: what is left is the relevance.
metric = quantus.Infidelity(perturb_patch_sizes=[3], n_perturb_samples=1, perturb_baseline=0.0, **quiet)
results["infidelity"] = measure(metric, thirds / x).tolist()

segments = np.add.outer(np.arange(SIDE) // 5 * 3, np.arange(SIDE) // 4)
segments = np.searchsorted(np.unique(segments), segments)
# Its own function for masks asks for one with all channels.
metric = quantus.IROF(perturb_func=lambda arr, mask, **_given: np.where(mask, 0, arr), **quiet)
with mock.patch("quantus.helpers.utils.get_superpixel_segments", lambda **_given: segments):
    results["irof"] = measure(metric, np.repeat(relevance, CHANNELS, 1)).tolist()
results["segments"] = segments.flatten().tolist()

removed = np.sort(draws.permutation(SIDE * SIDE)[:90])
results["removed"] = removed.tolist()
results["imputed"] = perturb_func.noisy_linear_imputation(x[0], removed, noise=0).flatten().tolist()
results["blurred"] = np.stack([gaussian_filter(channel, 1.5, mode="nearest", truncate=4) for channel in x[0]]).flatten().tolist()

results["sparseness"] = measure(quantus.Sparseness(**{**quiet, "abs": True}), np.repeat(relevance, 1, 1)).tolist()
results["complexity"] = measure(quantus.Complexity(**{**quiet, "abs": True}), np.repeat(relevance, 1, 1)).tolist()
mask = np.zeros((1, 1, SIDE, SIDE))
mask[0, 0, 2:9, 3:11] = 1
results["box"] = {"left": 3, "top": 2, "right": 11, "bottom": 9}
results["histogram-entropy"] = [float(complexity_func.discrete_entropy(relevance, x))]
# The energy of the map's spectrum at multiples of 1/3 and of 1/4, without that of its mean.
energy = np.abs(np.fft.fft2(relevance[0, 0])) ** 2
energy[0, 0] = 0
results["grid"] = [float(energy[:: SIDE // stride, :: SIDE // stride].sum() / energy.sum()) for stride in [3, 4]]
positive = np.maximum(relevance, 0)
results["pointing-game"] = measure(quantus.PointingGame(**quiet), s_batch=mask).tolist()
results["relevance-mass"] = measure(quantus.RelevanceMassAccuracy(**quiet), positive, s_batch=mask).tolist()
other = rounded(SIDE * SIDE)
results["other"] = other.tolist()
results["spearman"] = float(similarity_func.correlation_spearman(relevance.flatten(), other))

noise = [np.round(draws.uniform(-0.1, 0.1, size=x.shape), 4) for _ in range(3)]


def explain(inputs, **_more):
    # A map that depends on the input in a way that is easily computed.
    return (inputs * np.repeat(relevance, CHANNELS, 1)).sum(1, keepdims=True)


copies = iter(noise)
metric = quantus.MaxSensitivity(
    nr_samples=3, perturb_func=lambda arr, **_given: arr + next(copies).reshape(arr.shape), lower_bound=0.1, **quiet
)
results["max-sensitivity"] = measure(metric, explain(x), explain_func=lambda model, inputs, targets, **more: explain(inputs)).tolist()
results["noise"] = [each.flatten().tolist() for each in noise]

made = {
    "by": {name: importlib.metadata.version(name) for name in ["quantus", "torch", "scipy", "scikit-image"]},
    "sizes": {"channels": CHANNELS, "side": SIDE, "class": CLASS},
    "network": {"first": first.tolist(), "bias": bias.tolist(), "second": second.tolist()},
    "input": x.flatten().tolist(),
    "map": relevance.flatten().tolist(),
    "results": results,
}
Path(sys.argv[1], "quantus.json").write_text(json.dumps(made) + "\n")
