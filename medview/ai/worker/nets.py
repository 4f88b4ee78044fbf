"""The networks that a model folder may name; weights come from safetensors, never from pickles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from medview.ai.worker.graph_net import build_graph
from medview.ai.worker.nnunet_nets import PlainConvUNet, ResidualEncoderUNet
from medview.ai.worker.radial_net import RadialNet
from medview.core.errors import ModelUnavailable
from medview.core.words import say


class _ConvBlock(nn.Sequential):
    """`repeats` times 3x3x3 convolution, instance norm, leaky ReLU."""

    def __init__(self, inputs: int, outputs: int, repeats: int) -> None:
        layers: list[nn.Module] = []
        for number in range(repeats):
            layers += [
                nn.Conv3d(inputs if number == 0 else outputs, outputs, 3, padding=1, bias=False),
                nn.InstanceNorm3d(outputs, affine=True),
                nn.LeakyReLU(0.01, inplace=True),
            ]
        super().__init__(*layers)


class UNet3d(nn.Module):
    """A 3-D U-Net (Cicek et al. 2016) with instance norm, thin at full resolution for CPUs.

    [batch, 1, k, j, i] float32 to logits [batch, outputs, k, j, i]; k, j, i must be multiples of
    2 ** (len(widths) - 1). `encoder` and `decoder` count the convolutions of each level.
    """

    def __init__(
        self, *, outputs: int, widths: list[int], encoder: list[int], decoder: list[int]
    ) -> None:
        super().__init__()
        self.multiple = 2 ** (len(widths) - 1)
        levels = range(len(widths) - 1)
        self.encoders = nn.ModuleList(
            _ConvBlock(before, width, repeats)
            for before, width, repeats in zip([1, *widths[1:]], widths, encoder, strict=True)
        )
        self.downs = nn.ModuleList(nn.Conv3d(widths[n], widths[n + 1], 2, stride=2) for n in levels)
        self.ups = nn.ModuleList(
            nn.ConvTranspose3d(widths[n + 1], widths[n], 2, stride=2) for n in levels
        )
        self.decoders = nn.ModuleList(
            _ConvBlock(2 * widths[n], widths[n], decoder[n]) for n in levels
        )
        self.head = nn.Conv3d(widths[0], outputs, 1)
        # A quarter faster on CPUs.
        self.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]

    def bottleneck(self, x: Tensor) -> Tensor:
        """The deepest maps [batch, channel, k, j, i], without the way back up."""
        x = self.encoders[0](x.contiguous(memory_format=torch.channels_last_3d))
        for down, encode in zip(self.downs, self.encoders[1:], strict=True):
            x = encode(down(x))
        return x

    def forward(self, x: Tensor) -> Tensor:
        """Logits of the same grid."""
        x = x.contiguous(memory_format=torch.channels_last_3d)
        skips = [self.encoders[0](x)]
        for down, encode in zip(self.downs, self.encoders[1:], strict=True):
            skips.append(encode(down(skips[-1])))
        x = skips.pop()
        for level in reversed(range(len(skips))):
            x = self.decoders[level](torch.cat([self.ups[level](x), skips[level]], 1))
        logits: Tensor = self.head(x)
        return logits


class _Residual(nn.Module):
    """Two 3x3 convolutions with batch norm around a shortcut (He et al. 2016)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(stride), nn.Conv2d(inputs, outputs, 1, bias=False),
                nn.BatchNorm2d(outputs),
            )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """[batch, inputs, j, i] to [batch, outputs, j / stride, i / stride], never below 0."""
        return torch.relu(self.body(x) + self.shortcut(x))


class ResNet2d(nn.Module):
    """A small residual network that ends in average pooling and one linear layer.

    That ending makes the class activation map exact (`explain`). [batch, 1, j, i] float32 to
    logits [batch, outputs]; `maps` gives the feature maps of every stage for heatmap and `ood`.
    """

    def __init__(self, *, outputs: int, widths: list[int], blocks: list[int]) -> None:
        super().__init__()
        self.multiple = 2 ** (len(widths) + 1)
        self.stem = nn.Sequential(
            nn.Conv2d(1, widths[0], 5, 2, 2, bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(inplace=True),
        )
        stages = []
        for n, width in enumerate(widths):
            before = widths[n - 1] if n else widths[0]
            first = _Residual(before, width, 2)
            rest = [_Residual(width, width, 1) for _ in range(blocks[n] - 1)]
            stages.append(nn.Sequential(first, *rest))
        self.stages = nn.ModuleList(stages)
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(widths[-1], outputs)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def maps(self, x: Tensor) -> list[Tensor]:
        """Feature maps after each stage, [batch, channel, j, i], the last one feeds the head."""
        x = self.stem(x.contiguous(memory_format=torch.channels_last))
        found = []
        for stage in self.stages:
            x = stage(x)
            found.append(x)
        return found

    def classify(self, last: Tensor) -> Tensor:
        """Logits [batch, outputs] from the last feature maps."""
        logits: Tensor = self.head(self.dropout(last.mean((2, 3))))
        return logits

    def forward(self, x: Tensor) -> Tensor:
        """Logits [batch, outputs]."""
        return self.classify(self.maps(x)[-1])


NETS: Mapping[str, Callable[..., nn.Module]] = {
    "unet3d": UNet3d, "resnet2d": ResNet2d, "radial": RadialNet,
    "nnunet_plain": PlainConvUNet, "nnunet_resenc": ResidualEncoderUNet,
    "graph": build_graph,
}  # fmt: skip


def build_net(arch: str, args: Mapping[str, Any]) -> nn.Module:
    """A net by its registered name. Raises ModelUnavailable for an unknown name or arguments."""
    try:
        return NETS[arch](**args)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ModelUnavailable(
            say(
                "The model asks for a network that this version does not know ({arch}).", arch=arch
            ),
            detail=type(error).__name__,
        ) from error
