"""Networks that belong to no package: the standard U-Net and a one-stage detector up to its heads, in a few widths."""

import torch
from torch import nn
from torch.nn import functional as F


def block(inputs, outputs, kernel=3, stride=1, act=nn.ReLU):
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), act())


class UNet(nn.Module):
    """Ronneberger et al. 2015, with batch normalisation and padding, as most do it now."""

    def __init__(self, up, classes=2, widths=(8, 16, 32, 64)):
        super().__init__()
        double = lambda a, b: nn.Sequential(block(a, b), block(b, b))
        self.down = nn.ModuleList([double(a, b) for a, b in zip((3, *widths), widths)])
        pairs = list(zip(widths[:0:-1], widths[-2::-1]))
        if up == "transposed":
            self.up = nn.ModuleList([nn.ConvTranspose2d(a, b, 2, 2) for a, b in pairs])
        else:
            size = {"scale_factor": 2, "mode": up}
            if up == "bilinear":
                size["align_corners"] = True
            self.up = nn.ModuleList([nn.Sequential(nn.Upsample(**size), nn.Conv2d(a, b, 1)) for a, b in pairs])
        self.join = nn.ModuleList([double(2 * b, b) for _, b in pairs])
        self.head = nn.Conv2d(widths[0], classes, 1)

    def forward(self, x):
        kept = []
        for down in self.down:
            if kept:
                x = F.max_pool2d(x, 2)
            x = down(x)
            kept.append(x)
        for up, join, skip in zip(self.up, self.join, kept[-2::-1]):
            x = join(torch.cat([skip, up(x)], 1))
        return self.head(x)


class Bottleneck(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first, self.second = block(width, width, act=nn.SiLU), block(width, width, act=nn.SiLU)

    def forward(self, x):
        return x + self.second(self.first(x))


class SplitStage(nn.Module):
    """Splits the channels, keeps every intermediate result and joins them all."""

    def __init__(self, inputs, outputs, depth=1):
        super().__init__()
        self.enter = block(inputs, outputs, 1, act=nn.SiLU)
        self.steps = nn.ModuleList([Bottleneck(outputs // 2) for _ in range(depth)])
        self.leave = block((2 + depth) * outputs // 2, outputs, 1, act=nn.SiLU)

    def forward(self, x):
        parts = list(self.enter(x).chunk(2, 1))
        for step in self.steps:
            parts.append(step(parts[-1]))
        return self.leave(torch.cat(parts, 1))


class PooledPyramid(nn.Module):
    """Three max poolings of stride 1, one after the other, side by side."""

    def __init__(self, width):
        super().__init__()
        self.enter, self.leave = block(width, width // 2, 1, act=nn.SiLU), block(2 * width, width, 1, act=nn.SiLU)

    def forward(self, x):
        parts = [self.enter(x)]
        for _ in range(3):
            parts.append(F.max_pool2d(parts[-1], 5, 1, 2))
        return self.leave(torch.cat(parts, 1))


class Detector(nn.Module):
    """
    A one-stage, anchor-free detector: split-stage backbone, top-down and bottom-up pyramid, decoupled heads.
    Output [N, 4 + classes, positions]: boxes from a softmax over distance bins times a fixed convolution, and scores.
    """

    bins = 8

    def __init__(self, width=16, classes=4):
        super().__init__()
        w = width
        act = nn.SiLU
        self.stem = nn.Sequential(block(3, w, 3, 2, act), block(w, 2 * w, 3, 2, act), SplitStage(2 * w, 2 * w))
        self.p3 = nn.Sequential(block(2 * w, 4 * w, 3, 2, act), SplitStage(4 * w, 4 * w, 2))
        self.p4 = nn.Sequential(block(4 * w, 8 * w, 3, 2, act), SplitStage(8 * w, 8 * w))
        self.p5 = nn.Sequential(block(8 * w, 8 * w, 3, 2, act), SplitStage(8 * w, 8 * w), PooledPyramid(8 * w))
        self.top4, self.top3 = SplitStage(16 * w, 8 * w), SplitStage(12 * w, 4 * w)
        self.down4, self.join4 = block(4 * w, 4 * w, 3, 2, act), SplitStage(12 * w, 8 * w)
        self.down5, self.join5 = block(8 * w, 8 * w, 3, 2, act), SplitStage(16 * w, 8 * w)
        head = lambda inputs, outputs: nn.Sequential(block(inputs, 16, 3, 1, act), nn.Conv2d(16, outputs, 1))
        widths = (4 * w, 8 * w, 8 * w)
        self.boxes = nn.ModuleList([head(each, 4 * self.bins) for each in widths])
        self.scores = nn.ModuleList([head(each, classes) for each in widths])
        self.register_buffer("distances", torch.arange(self.bins, dtype=torch.float32).view(1, self.bins, 1, 1))

    def forward(self, x):
        p3 = self.p3(self.stem(x))
        p4 = self.p4(p3)
        p5 = self.p5(p4)
        grow = lambda y: F.interpolate(y, scale_factor=2.0, mode="nearest")
        t4 = self.top4(torch.cat([grow(p5), p4], 1))
        t3 = self.top3(torch.cat([grow(t4), p3], 1))
        t4 = self.join4(torch.cat([self.down4(t3), t4], 1))
        t5 = self.join5(torch.cat([self.down5(t4), p5], 1))
        maps = (t3, t4, t5)
        boxes = torch.cat([head(y).flatten(2) for head, y in zip(self.boxes, maps)], 2)
        scores = torch.cat([head(y).flatten(2) for head, y in zip(self.scores, maps)], 2)
        n, _, positions = boxes.shape
        bins = boxes.view(n, 4, self.bins, positions).transpose(1, 2).softmax(1)
        return torch.cat([F.conv2d(bins, self.distances).flatten(1, 2), scores.sigmoid()], 1)


class AnchorDetector(nn.Module):
    """The older kind: anchors, and boxes decoded by sigmoids, a grid and anchor sizes. Output [N, positions, 5 + classes]."""

    def __init__(self, width=16, classes=4):
        super().__init__()
        w, act = width, lambda: nn.LeakyReLU(0.1)
        self.trunk = nn.Sequential(block(3, w, 3, 2, act), block(w, 2 * w, 3, 2, act), SplitStage(2 * w, 2 * w), block(2 * w, 4 * w, 3, 2, act))
        self.deep = nn.Sequential(SplitStage(4 * w, 4 * w), block(4 * w, 8 * w, 3, 2, act), PooledPyramid(8 * w))
        self.lateral = block(8 * w, 4 * w, 1, 1, act)
        self.join = SplitStage(8 * w, 4 * w)
        self.outputs = 5 + classes
        self.heads = nn.ModuleList([nn.Conv2d(4 * w, 3 * self.outputs, 1), nn.Conv2d(8 * w, 3 * self.outputs, 1)])
        self.register_buffer("anchors", torch.tensor([[10.0, 13, 16, 30, 33, 23], [30, 61, 62, 45, 59, 119]]).view(2, 1, 3, 1, 1, 2))

    def forward(self, x):
        shallow = self.trunk(x)
        deep = self.deep(shallow)
        grown = F.interpolate(self.lateral(deep), scale_factor=2.0, mode="nearest")
        found = []
        for head, y, anchors, stride in zip(self.heads, (self.join(torch.cat([grown, shallow], 1)), deep), self.anchors, (8, 16)):
            n, _, h, w = head(y).shape
            raw = head(y).view(n, 3, self.outputs, h, w).permute(0, 1, 3, 4, 2)
            rows, columns = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
            grid = torch.stack((columns, rows), 2).to(x.dtype).view(1, 1, h, w, 2) - 0.5
            xy, wh, rest = raw.sigmoid().split((2, 2, self.outputs - 4), 4)
            xy = (xy * 2 + grid) * stride
            wh = (wh * 2) ** 2 * anchors
            found.append(torch.cat((xy, wh, rest), 4).view(n, -1, self.outputs))
        return torch.cat(found, 1)
