"""What a training makes small: cross-entropy, its focal form, and soft Dice."""

from __future__ import annotations

from collections.abc import Collection

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

UNDRAWN = 255  # in a prepared label: background, or an open-ended organ where nobody drew it


def focal(entropy: Tensor, gamma: float) -> Tensor:
    """The cross-entropy of each sample, those that are learnt already counting less.

    (1 - p) ** gamma * -log p with p the probability of the truth (Lin et al. 2017, arXiv
    1708.02002); gamma 0 leaves the cross-entropy as it is.
    """
    if not gamma:
        return entropy
    return (-torch.expm1(-entropy)).clamp_min(1e-6) ** gamma * entropy


def cross_entropy(logits: Tensor, truth: Tensor, gamma: float = 0.0) -> Tensor:
    """Mean (focal) cross-entropy; logits [batch, class, ...], truth int64 [batch, ...]."""
    return focal(F.cross_entropy(logits, truth, reduction="none"), gamma).mean()


def weighted_binary(logits: Tensor, truth: Tensor, weight: Tensor, gamma: float = 0.0) -> Tensor:
    """Mean (focal) cross-entropy of yes or no, each sample with its weight; all [batch]."""
    entropy = F.binary_cross_entropy_with_logits(logits, truth.float(), reduction="none")
    return (focal(entropy, gamma) * weight).mean()


def partial_dice_and_cross_entropy(
    logits: Tensor,
    label: Tensor,
    unknown: Collection[int],
    open_ended: Collection[int],
    gamma: float = 0.0,
) -> Tensor:
    """Soft Dice and cross-entropy; what nobody looked for neither rewards nor punishes.

    logits [1, class, k, j, i], label int64 [1, k, j, i]; unknown and open_ended: see `Prepared` of
    `segmentation`. Where a voxel may belong to several
    classes (background, an organ that was not drawn in this case, an open-ended one beyond its
    drawing), the cross-entropy is that of their summed probability (marginal loss, Shi et al.
    2021, doi 10.1016/j.media.2021.101979).
    """
    if not unknown and not open_ended:
        return dice_and_cross_entropy(logits, label, gamma)
    undrawn = label == UNDRAWN
    plain = label.masked_fill(undrawn, 0)
    allowed = F.one_hot(plain, logits.shape[1]).permute(0, 4, 1, 2, 3).bool()
    for value in unknown:
        allowed[:, value] |= plain == 0
    for value in open_ended:
        allowed[:, value] |= undrawn
    shares = torch.log_softmax(logits, 1)
    entropy = focal(-torch.logsumexp(shares.masked_fill(~allowed, -torch.inf), 1), gamma).mean()
    overlaps = [
        _soft_dice(shares[:, value].exp(), plain == value, undrawn, value in open_ended)
        for value in range(1, logits.shape[1])
        if value not in unknown
    ]
    return 1 - torch.stack(overlaps).mean() + entropy


def _soft_dice(share: Tensor, truth: Tensor, undrawn: Tensor, is_open_ended: bool) -> Tensor:
    if is_open_ended:
        share = share * ~undrawn
    return (2 * (share * truth).sum() + 1) / (share.sum() + truth.sum() + 1)


def dice_and_cross_entropy(logits: Tensor, label: Tensor, gamma: float = 0.0) -> Tensor:
    """logits [batch, class, k, j, i], label int64 [batch, k, j, i]; soft Dice over labels > 0."""
    one_hot = F.one_hot(label, logits.shape[1]).permute(0, 4, 1, 2, 3).float()
    shares = torch.softmax(logits, 1)
    overlap = (shares * one_hot).sum((0, 2, 3, 4))[1:]
    total = (shares + one_hot).sum((0, 2, 3, 4))[1:]
    soft_dice = ((2 * overlap + 1) / (total + 1)).mean()
    return 1 - soft_dice + cross_entropy(logits, label, gamma)
