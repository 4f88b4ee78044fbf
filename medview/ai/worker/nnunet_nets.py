"""The two U-Nets that nnU-Net v2 plans ask for, under the names of its own checkpoints.

After dynamic_network_architectures (Isensee et al., Apache-2.0): convolution, instance norm, leaky
ReLU; strided convolutions down, transposed ones up; kernels and strides by stage. Left out: dropout
(nothing at run time) and the heads of deep supervision but the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod

import torch
from torch import Tensor, nn

_SLOPE = 0.01
Three = tuple[int, int, int]


class _Conv(nn.Module):
    """Convolution, instance norm and, unless it is the last before a sum, leaky ReLU."""

    def __init__(
        self, inputs: int, outputs: int, kernel: Three, stride: Three, *, bias: bool, bends: bool
    ) -> None:
        super().__init__()
        padding = ((kernel[0] - 1) // 2, (kernel[1] - 1) // 2, (kernel[2] - 1) // 2)
        self.conv = nn.Conv3d(inputs, outputs, kernel, stride, padding, bias=bias)
        self.norm = nn.InstanceNorm3d(outputs, affine=True)
        self.bends = bends

    def forward(self, x: Tensor) -> Tensor:
        """[batch, inputs, k, j, i] to [batch, outputs, k / stride ...]."""
        x = self.norm(self.conv(x))
        return nn.functional.leaky_relu(x, _SLOPE, inplace=True) if self.bends else x


class _Stack(nn.Module):
    """Some convolutions one after the other; the first has the stride."""

    def __init__(
        self, count: int, inputs: int, outputs: int, kernel: Three, stride: Three, *, bias: bool
    ) -> None:
        super().__init__()
        self.convs = nn.Sequential(*(
            _Conv(inputs if n == 0 else outputs, outputs, kernel, stride if n == 0 else (1, 1, 1),
                  bias=bias, bends=True)
            for n in range(count)
        ))  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """[batch, inputs, k, j, i] to [batch, outputs, k / stride ...]."""
        answer: Tensor = self.convs(x)
        return answer


class _Block(nn.Module):
    """Two convolutions around a shortcut that pools and projects where it must (ResNet-D)."""

    def __init__(
        self, inputs: int, outputs: int, kernel: Three, stride: Three, *, bias: bool
    ) -> None:
        super().__init__()
        self.conv1 = _Conv(inputs, outputs, kernel, stride, bias=bias, bends=True)
        self.conv2 = _Conv(outputs, outputs, kernel, (1, 1, 1), bias=bias, bends=False)
        ways: list[nn.Module] = [nn.AvgPool3d(stride, stride)] if max(stride) > 1 else []
        if inputs != outputs:
            ways.append(_Conv(inputs, outputs, (1, 1, 1), (1, 1, 1), bias=False, bends=False))
        self.skip = nn.Sequential(*ways)

    def forward(self, x: Tensor) -> Tensor:
        """[batch, inputs, k, j, i] to [batch, outputs, k / stride ...]."""
        around = self.skip(x)
        return nn.functional.leaky_relu(self.conv2(self.conv1(x)) + around, _SLOPE, inplace=True)


class _Blocks(nn.Module):
    def __init__(
        self, count: int, inputs: int, outputs: int, kernel: Three, stride: Three, *, bias: bool
    ) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(
            _Block(inputs if n == 0 else outputs, outputs, kernel, stride if n == 0 else (1, 1, 1),
                   bias=bias)
            for n in range(count)
        ))  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """As its blocks, one after the other."""
        answer: Tensor = self.blocks(x)
        return answer


class _Encoder(nn.Module):
    def __init__(self, stem: nn.Module | None, stages: Sequence[nn.Module]) -> None:
        super().__init__()
        if stem is not None:
            self.stem = stem
        self.has_stem = stem is not None
        self.stages = nn.Sequential(*stages)

    def forward(self, x: Tensor) -> list[Tensor]:
        """What every stage leaves, finest first."""
        x = self.stem(x) if self.has_stem else x
        found = []
        for stage in self.stages:
            x = stage(x)
            found.append(x)
        return found


class _Decoder(nn.Module):
    def __init__(self, plan: _Plan, convolutions: Sequence[int], *, bias: bool) -> None:
        super().__init__()
        self.stages, self.transpconvs = nn.ModuleList(), nn.ModuleList()
        last = len(plan.features) - 1
        for count, stage in zip(convolutions, range(last, 0, -1), strict=True):
            below, skip = plan.features[stage], plan.features[stage - 1]
            stride = plan.strides[stage]
            self.transpconvs.append(nn.ConvTranspose3d(below, skip, stride, stride, bias=bias))
            self.stages.append(
                _Stack(count, 2 * skip, skip, plan.kernels[stage - 1], (1, 1, 1), bias=bias)
            )

    def forward(self, skips: list[Tensor]) -> Tensor:
        """Features of the finest stage."""
        x = skips[-1]
        for number, (up, stage) in enumerate(zip(self.transpconvs, self.stages, strict=True)):
            x = stage(torch.cat([up(x), skips[-(number + 2)]], 1))
        return x


class _Plan:
    """features by stage; shapes: six numbers a stage, kernel and stride (k, j, i)."""

    def __init__(self, features: list[int], shapes: list[int]) -> None:
        self.features = features
        if len(shapes) != 6 * len(features) or len(features) < 2:
            raise ValueError("stages")
        if max(features) > 2048 or max(shapes) > 15 or min(shapes) < 1:
            raise ValueError("sizes")
        rows = [shapes[n : n + 3] for n in range(0, len(shapes), 3)]
        threes: list[Three] = [(row[0], row[1], row[2]) for row in rows]
        self.kernels, self.strides = threes[::2], threes[1::2]

    @property
    def multiples(self) -> tuple[int, int, int]:
        """By which the sizes [k, j, i] of an image must be divisible."""
        k, j, i = (prod(stride[n] for stride in self.strides) for n in range(3))
        return k, j, i

    @property
    def steps(self) -> list[tuple[int, int]]:
        """Inputs and outputs of the stages after the first."""
        return list(pairwise(self.features))


class _UNet(nn.Module):
    encoder: nn.Module
    decoder: nn.Module
    head: nn.Module

    def forward(self, x: Tensor) -> Tensor:
        """[batch, inputs, k, j, i] float32 to logits [batch, outputs, k, j, i]."""
        logits: Tensor = self.head(self.decoder(self.encoder(x)))
        return logits


class PlainConvUNet(_UNet):
    """nnU-Net's default net. counts: convolutions of each stage, decoder: of the way up."""

    def __init__(
        self, *, outputs: int, features: list[int], shapes: list[int], counts: list[int],
        decoder: list[int], bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        plan = _Plan(features, shapes)
        self.multiples = plan.multiples
        parts = zip(counts, [(1, features[0]), *plan.steps], plan.kernels, plan.strides,
                    strict=True)  # fmt: skip
        self.encoder = _Encoder(None, [
            nn.Sequential(_Stack(count, *width, kernel, stride, bias=bias))
            for count, width, kernel, stride in parts
        ])  # fmt: skip
        self.decoder = _Decoder(plan, decoder, bias=bias)
        self.head = nn.Conv3d(features[0], outputs, 1)


class ResidualEncoderUNet(_UNet):
    """nnU-Net's net with residual blocks on the way down. counts: blocks of each stage."""

    def __init__(
        self, *, outputs: int, features: list[int], shapes: list[int], counts: list[int],
        decoder: list[int], bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        plan = _Plan(features, shapes)
        self.multiples = plan.multiples
        stem = _Stack(1, 1, features[0], plan.kernels[0], (1, 1, 1), bias=bias)
        widths = [(features[0], features[0]), *plan.steps]
        parts = zip(counts, widths, plan.kernels, plan.strides, strict=True)
        self.encoder = _Encoder(stem, [
            _Blocks(count, *width, kernel, stride, bias=bias)
            for count, width, kernel, stride in parts
        ])  # fmt: skip
        self.decoder = _Decoder(plan, decoder, bias=bias)
        self.head = nn.Conv3d(features[0], outputs, 1)
