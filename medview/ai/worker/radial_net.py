"""A radial basis function network (Broomhead and Lowe 1988) over measured features."""

from __future__ import annotations

import torch
from torch import Tensor, nn

STEEPNESS = 4.0  # of the logistic curve in its middle: an answer of 0-1 as something like a logit


class RadialNet(nn.Module):
    """`members` nets that share their centres; each has weights of its own.

    Features are standardised and cut at `cut`; a hidden unit answers exp(-gamma x mean squared
    distance to its centre); a member's output is its mean plus the weighted sum.
    """

    def __init__(
        self, *, features: int, centres: int, members: int, gamma: float, cut: float
    ) -> None:
        super().__init__()
        self._gamma, self._cut = gamma, cut
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))
        self.centres = nn.Parameter(torch.zeros(centres, features))
        self.weight = nn.Parameter(torch.zeros(members, centres))
        self.base = nn.Parameter(torch.zeros(members))

    def standardised(self, features: Tensor) -> Tensor:
        """[n, feature] as the centres are."""
        mean, scale = self.get_buffer("mean"), self.get_buffer("scale")
        return ((features - mean) / scale).clamp(-self._cut, self._cut)

    def hidden(self, standardised: Tensor) -> Tensor:
        """[n, centre]: how near each centre is, 1 at the centre itself."""
        distance = torch.cdist(standardised, self.centres) ** 2 / standardised.shape[1]
        return torch.exp(-self._gamma * distance)

    def forward(self, features: Tensor) -> Tensor:
        """[n, feature] to logits [n, member]."""
        rated = self.hidden(self.standardised(features)) @ self.weight.T + self.base
        return (rated - 0.5) * STEEPNESS
