"""Where a network can run: the processor, and what graphics cards torch finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

_RESERVE = 0.1  # of a card's free memory, for what the driver and the display take


def _unknown() -> int | None:
    return None


@dataclass(frozen=True)
class Device:
    """kind: cpu or cuda; place: what torch calls it; title: for people.

    precisions: what may be tried there, float32 first. free_bytes: memory that is free now, None
    where nobody can say.
    """

    kind: str = "cpu"
    place: str = "cpu"
    title: str = "cpu"
    precisions: tuple[str, ...] = ("float32",)
    free_bytes: Callable[[], int | None] = field(default=_unknown, compare=False)


CPU = Device()


def devices() -> tuple[Device, ...]:
    """What this machine has, the quickest first; the processor is the last."""
    import torch

    if not torch.cuda.is_available():
        return (CPU,)
    return (*(_card(number) for number in range(torch.cuda.device_count())), CPU)


def _card(number: int) -> Device:
    import torch

    halves = ("bfloat16", "float16") if torch.cuda.is_bf16_supported() else ("float16",)

    def free() -> int | None:
        return int(torch.cuda.mem_get_info(number)[0] * (1 - _RESERVE))

    name = torch.cuda.get_device_name(number)
    return Device("cuda", f"cuda:{number}", name, ("float32", *halves), free)


def pick(wanted: str, table: tuple[Device, ...]) -> Device | None:
    """The device for a wish (auto, cpu, cuda): of several cards the one with the most free memory.

    None where the wish cannot be met.
    """
    cards = [device for device in table if device.kind == "cuda"]
    if wanted != "cpu" and cards:
        return max(cards, key=lambda card: card.free_bytes() or 0)
    if wanted == "cuda":
        return None
    return next((device for device in table if device.kind == "cpu"), CPU)
