"""Which engine computes a network quickest here and says the same: measured once, remembered.

A run that costs little is not worth the question: measuring takes some seconds, which a long run
wins back at once and a shorter one when the model is run again. The choice is kept in the user's
cache by model, tile, machine and versions, so that the next run on this machine takes the same one
and gives the same figures to the bit. Any fault of an engine (it may lack an operator) rules it
out, and so does an answer to the model's own self-test that its maker would not know.
"""

from __future__ import annotations

import json
import logging
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from medview.ai.worker.devices import Device
from medview.ai.worker.engines import (
    Engine,
    OpenVinoEngine,
    TorchEngine,
    has_openvino,
    wanted_engine,
)
from medview.ai.worker.ladder import is_shortage
from medview.core.errors import MedViewError
from medview.core.files import write_private
from medview.core.paths import user_cache_dir
from medview.core.words import say

LEAST_FLOPS = 4e10  # a second on two cores: never worth compiling
ALONE_FLOPS = 4e11  # ten seconds on two cores: measuring pays within the very run
AGAIN_FLOPS = 1.5e11  # of this run and those before it, where there were any
BUDGET_S = 2.0  # for one engine's measurement
SAME_LABELS = 0.999  # share of voxels whose best class must be that of float32
SAME_LOGITS = {"float32": 1e-2, "bfloat16": 0.25, "float16": 0.1}  # of the largest, at most
PAYS = 0.9  # of torch's time: what gains less is not worth another result
_log = logging.getLogger("medview.ai")


@dataclass(frozen=True)
class Choice:
    """engine and precision, with the seconds a tile took in each that was measured."""

    engine: str
    precision: str
    seconds: dict[str, float]


Maker = Callable[[], Engine]
Judge = Callable[[str], bool]  # asked about "openvino float32"; see `selftest.passes_with`
_Made = TypeVar("_Made")


def _any(_name: str) -> bool:
    return True


def choose(
    net: Callable[[Tensor], Tensor], tiles: Tensor, device: Device, key: str, flops: float,
    judge: Judge = _any,
) -> Engine:  # fmt: skip
    """The engine for a network, asked with its first tiles [n, 1, k, j, i].

    key: the model's manifest. flops: of the whole run; where it is short torch is taken as it is.
    """
    plain = TorchEngine(net, device, "float32")
    makers = _makers(net, tiles, device)
    if wanted_engine():
        return _insisted(plain, makers)
    if not makers or flops < LEAST_FLOPS or not key:
        return plain
    names = ",".join(makers)
    place = _place(f"{key} {tuple(tiles.shape)} {device.title} {names}")
    known = _read(place)
    if known is not None:
        return _remade(known, plain, makers)
    before = _spent(place)
    if flops < ALONE_FLOPS and not (before and before + flops >= AGAIN_FLOPS):
        _write(place, {"flops": before + flops})
        return plain
    choice, engine = measure(plain, makers, tiles, judge)
    _write(place, asdict(choice))
    return engine


def measure(
    plain: Engine, makers: dict[str, Maker], tiles: Tensor, judge: Judge = _any
) -> tuple[Choice, Engine]:
    """Time each engine on the tiles; the quickest of those that agree with float32 and the case."""
    truth, first = _timed(plain, tiles)
    best = plain
    seconds = {_name(plain): _seconds(plain, tiles, first)}
    least = seconds[_name(plain)] * PAYS
    for name, make in makers.items():
        engine = _tried(make)
        if engine is None:
            continue
        found = _tried(lambda engine=engine: _timed(engine, tiles))  # type: ignore[misc]
        if found is None or not _agrees(found[0], truth, engine.precision):
            continue
        seconds[name] = _seconds(engine, tiles, found[1])
        if seconds[name] < least and judge(name):
            best, least = engine, seconds[name]
    return Choice(best.name, best.precision, seconds), best


def _name(engine: Engine) -> str:
    return f"{engine.name} {engine.precision}"


def _makers(net: Callable[[Tensor], Tensor], tiles: Tensor, device: Device) -> dict[str, Maker]:
    makers: dict[str, Maker] = {
        f"torch {half}": _half(net, device, half) for half in device.precisions[1:]
    }
    if device.kind == "cpu" and isinstance(net, nn.Module) and has_openvino():
        shape = tuple(int(n) for n in tiles.shape[2:])
        module = net
        makers["openvino float32"] = lambda: OpenVinoEngine(module, shape)
    return makers


def _half(net: Callable[[Tensor], Tensor], device: Device, precision: str) -> Maker:
    return lambda: TorchEngine(net, device, precision)


def _insisted(plain: Engine, makers: dict[str, Maker]) -> Engine:
    name = wanted_engine()
    if name in ("torch", _name(plain)):
        return plain
    fits = [make for key, make in makers.items() if name in (key, key.split()[0])]
    found = next(iter(fits), None)
    if found is None:
        raise MedViewError(say("The engine {name} does not run this model here.", name=name))
    return found()


def _tried(make: Callable[[], _Made]) -> _Made | None:
    try:
        return make()
    except Exception as error:
        if is_shortage(error):
            raise
        _log.info("engine left out", extra={"kind": type(error).__name__})
        return None


def _agrees(found: Tensor, truth: Tensor, precision: str) -> bool:
    if found.shape != truth.shape or not bool(torch.isfinite(found).all()):
        return False
    found = found.to(truth.device)
    off = float((found - truth).abs().max()) / max(1e-6, float(truth.abs().max()))
    same = float((found.argmax(1) == truth.argmax(1)).float().mean())
    return same >= SAME_LABELS and off <= SAME_LOGITS[precision]


def _timed(engine: Engine, tiles: Tensor) -> tuple[Tensor, float]:
    start = time.perf_counter()
    found = engine(tiles)
    found.sum().item()  # waits for a card
    return found, time.perf_counter() - start


def _seconds(engine: Engine, tiles: Tensor, first: float) -> float:
    """Of the quickest of three rounds, or of as many as the budget allows."""
    best, spent = first, first
    while spent < BUDGET_S and spent < 3 * first:
        now = _timed(engine, tiles)[1]
        best, spent = min(best, now), spent + now
    return round(best, 4)


def _remade(choice: Choice, plain: Engine, makers: dict[str, Maker]) -> Engine:
    make = makers.get(f"{choice.engine} {choice.precision}")
    return (_tried(make) if make else None) or plain


def _place(what: str) -> Path:
    versions = [_version(name) for name in ("torch", "openvino")]
    machine = [platform.machine(), platform.processor(), str(torch.get_num_threads())]
    text = " ".join([what, *versions, *machine])
    return user_cache_dir() / "engines" / f"{sha256(text.encode()).hexdigest()[:24]}.json"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def _read(place: Path) -> Choice | None:
    try:
        found = json.loads(place.read_text(encoding="utf-8"))
        return Choice(str(found["engine"]), str(found["precision"]), dict(found["seconds"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _spent(place: Path) -> float:
    """What earlier runs that were too short to measure have cost together."""
    try:
        return float(json.loads(place.read_text(encoding="utf-8"))["flops"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0.0


def _write(place: Path, found: dict[str, object]) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(place, json.dumps(found).encode())
    except (OSError, MedViewError):
        _log.info("choice of an engine not kept")
