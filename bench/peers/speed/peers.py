"""Peers of the benchmark, each in a process of its own that run-peers.mjs talks to.

    python peers.py JSON     one peer on one network, described by the JSON. Once it is warm it says so in a line of JSON;
                             then lines on stdin: "run" is answered by {"seconds": s}, "stop" by {"peakBytes": n}

needs torch, torchvision and onnx; for each peer what it is called: zennit, captum, lxt (with transformers 4); the seed
(github.com/kaifishr/PyTorchRelevancePropagation) is a checkout, whose path is part of the JSON.

A peer is a function from pictures [N, 3, H, W] to heatmaps [N, H, W]. It is set up the way its documentation says, once,
so that a run is what a user's loop over pictures would run.
"""

import contextlib
import importlib.metadata
import json
import resource
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import torch

import networks

TARGET = 281
WARM_UPS = 3


def forward(net, task):
    def run(x):
        with torch.inference_mode():
            return net(x)

    return run


def gradient(net, task):
    def run(x):
        x = x.detach().requires_grad_(True)
        (found,) = torch.autograd.grad(net(x)[:, TARGET].sum(), x)
        return found.sum(1)

    return run


def of_torch(net, task):
    return {"forward": forward, "gradient": gradient}[task["composite"]](net, task)


def of_seed(net, task):
    sys.path.insert(0, task["seedPath"])
    from src.lrp import LRPModel

    explained = LRPModel(net, top_k=task["topK"])
    return lambda x: explained.forward(x).view(x.shape[0], *x.shape[2:])


def of_zennit(net, task):
    from zennit import composites
    from zennit.attribution import Gradient
    from zennit.canonizers import SequentialMergeBatchNorm
    from zennit.torchvision import ResNetCanonizer, VGGCanonizer

    families = {"vgg": VGGCanonizer, "resnet": ResNetCanonizer}
    canonizer = families.get(task["model"].rstrip("0123456789"), SequentialMergeBatchNorm)
    size = task["size"]
    build = {
        "epsilon-plus": composites.EpsilonPlus,
        "epsilon-plus-flat": composites.EpsilonPlusFlat,
        "epsilon-alpha2-beta1": composites.EpsilonAlpha2Beta1,
        "epsilon-alpha2-beta1-flat": composites.EpsilonAlpha2Beta1Flat,
        "epsilon-gamma-box": partial(
            composites.EpsilonGammaBox,
            low=torch.full((1, 3, size, size), networks.LOW),
            high=torch.full((1, 3, size, size), networks.HIGH),
        ),
    }[task["composite"]]

    def logit(output):
        kept = torch.zeros_like(output)
        kept[:, TARGET] = output[:, TARGET]
        return kept

    attributor = Gradient(model=net, composite=build(canonizers=[canonizer()]), attr_output=logit)
    stays_open.enter_context(attributor)
    return lambda x: attributor(x)[1].sum(1)


def of_captum(net, task):
    from captum.attr import LRP

    if task["composite"] != "epsilon":
        raise ValueError("captum's own choice of rules is epsilon on every layer")
    for module in net.modules():
        if hasattr(module, "inplace"):
            module.inplace = False
    lrp = LRP(net)
    return lambda x: lrp.attribute(x.detach().requires_grad_(True), target=TARGET).detach().sum(1)


def attention_forward(self, query, key, value, *args, **options):
    """AttnLRP in lxt's terms of input times gradient: half to each factor of both matrix products."""
    from lxt.efficient.rules import divide_gradient

    return self.original_forward(divide_gradient(query, 4), divide_gradient(key, 4), divide_gradient(value, 2), *args, **options)


def of_lxt(net, task):
    """lxt.efficient. Its own patches of torchvision's ViT are CP-LRP; for AttnLRP only attention differs."""
    from lxt.efficient import monkey_patch, monkey_patch_zennit
    from lxt.efficient.models.vit_torch import cp_LRP
    from lxt.efficient.patches import patch_method
    from torchvision.models import vision_transformer
    from zennit.rules import Gamma

    patches = dict(cp_LRP)
    if task["composite"] == "attnlrp":
        patches[vision_transformer.nn.MultiheadAttention] = partial(patch_method, attention_forward, keep_original=True)
    monkey_patch(vision_transformer, patches)
    monkey_patch_zennit()
    Gamma(gamma=0.25).register(net.conv_proj)

    def run(x):
        x = x.detach().requires_grad_(True)
        (found,) = torch.autograd.grad(net(x)[:, TARGET].sum(), x)
        return (x * found).detach().sum(1)

    return run


def of_lxt_explicit(net, task):
    """lxt.explicit: a function for each formula of the paper, put in place of torch's while the network runs."""
    sys.path.insert(0, str(Path(__file__).parent.parent))
    from lxt_relevance import Rules, prepare

    prepare(net)

    def run(x):
        x = x.detach().requires_grad_(True)
        with Rules(task["composite"]):
            logit = net(x)[:, TARGET]
        (found,) = torch.autograd.grad(logit, x, logit.detach())
        return found.sum(1)

    return run


PEERS = {
    "torch": of_torch,
    "seed": of_seed,
    "zennit": of_zennit,
    "captum": of_captum,
    "lxt": of_lxt,
    "lxt.explicit": of_lxt_explicit,
}
stays_open = contextlib.ExitStack()


def version_of(peer):
    package = peer.split(".")[0]
    return "checkout" if package == "seed" else importlib.metadata.version(package)


def say(message):
    print(json.dumps(message), flush=True)


def serve(task):
    torch.set_num_threads(task["threads"])
    started = time.perf_counter()
    run = PEERS[task["subject"]](networks.network(task["model"]), task)
    load = time.perf_counter() - started
    shape = (task["batch"], 3, task["size"], task["size"])
    x = torch.from_numpy(np.fromfile(task["input"], dtype="<f4", count=int(np.prod(shape))).reshape(shape))
    for _ in range(WARM_UPS):
        found = run(x)
    if task["composite"] != "forward":
        found.detach().numpy().astype("<f4").tofile(task["relevance"])
    say({"loadSeconds": load, "version": version_of(task["subject"]), "torch": torch.__version__})
    for line in sys.stdin:
        if line.strip() == "stop":
            say({"peakBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024})
            return
        started = time.perf_counter()
        run(x)
        say({"seconds": time.perf_counter() - started})


if __name__ == "__main__":
    serve(json.loads(sys.argv[1]))
