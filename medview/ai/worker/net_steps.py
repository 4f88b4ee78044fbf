"""Steps around the network: weights, forward passes, temperature, probabilities, and `ood`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load
from torch import Tensor, nn

from medview.ai.folder import ModelFolder
from medview.ai.worker.forward import Answer, Flip, Forward, swapped
from medview.ai.worker.graph_net import GraphNet, SliceBySlice
from medview.ai.worker.ladder import Ladder
from medview.ai.worker.nets import ResNet2d, build_net
from medview.ai.worker.radial_net import RadialNet
from medview.ai.worker.steps import ASKED, Context, FloatArray, State, calibrated_number, step
from medview.ai.worker.tiles import Tiling
from medview.core.errors import InputRefused, ModelUnavailable
from medview.core.results import Check
from medview.core.words import say

_RUNNING = say("Running the network")


@step("network", _RUNNING)
def network(
    state: State, arch: str, weights: str, args: dict[str, Any] | None = None, prefix: str = ""
) -> None:
    """One forward pass over the whole image; a classifier also leaves its feature maps.

    A classifier takes several pictures [n, j, i] as a batch.
    """
    key = f"{arch}:{weights}:{prefix}"
    networks = state.context.networks
    if key not in networks:
        networks[key] = _load_net(state.context, arch, weights, args or {}, prefix)
    net = networks[key]
    networks["last"] = net
    if isinstance(net, RadialNet):
        _ask_features(state, net)
        return
    if isinstance(net, GraphNet) and net.is_flat:
        _ask_flat(state, net)
        return
    if not isinstance(net, ResNet2d):
        _ask_later(state, net, key)
        return
    image = np.ascontiguousarray(state.image)
    tensor = torch.from_numpy(image).to(state.context.device)
    with torch.inference_mode():
        maps = net.maps(tensor[:, None])
        own = slice(None) if len(tensor) > 1 else 0
        state.feature_maps = {f"stage{n}": _array(m[own]) for n, m in enumerate(maps, start=1)}
        state.logits = _array(net.classify(maps[-1])[own])


def _ask_flat(state: State, net: GraphNet) -> None:
    """A classifier without named layers: scores alone, of one picture or one volume."""
    image = torch.from_numpy(np.ascontiguousarray(state.image)).to(state.context.device)
    if net.dims == 2 and len(image) != 1:
        raise InputRefused(say("The model looks at one picture, and the series has several."))
    with torch.inference_mode():
        state.logits = _array(net(image[:, None] if net.dims == 2 else image[None, None])[0])


def _ask_later(state: State, net: nn.Module, key: str) -> None:
    """Leave the answer to whoever reads it: a label map needs a few slices of it at a time."""
    context = state.context
    manifest = "" if context.folder is None else context.folder.manifest_sha256
    ladder = context.ladder or Ladder()
    forward = Forward(net, ladder, key=f"{manifest} {key}" if manifest else "")
    forward.judge = partial(_passes, context.folder, ladder)
    forward.engines = context.networks.setdefault("engines", {})
    context.networks[ASKED] = forward

    def told(done: int, total: int) -> None:
        words = say("Running the network: tile {done} of {total}", done=done, total=total)
        state.context.progress(done, total, str(words))

    state.answer = Answer(forward, state.image, state.tiling, context.cancel, told)


def _passes(folder: ModelFolder | None, ladder: Ladder, name: str) -> bool:
    from medview.ai.worker.selftest import passes_with

    return folder is None or passes_with(folder, ladder.device, name)


@step("tile", _RUNNING)
def tile(state: State, patch: list[int], overlap: float = 0.5, blend: str = "gaussian") -> None:
    """The network that follows looks at tiles of at most `patch` voxels (i, j, k), blended.

    For a net that learnt from crops: instance norm sees at run time what it saw in training.
    """
    is_known = blend in ("gaussian", "nnunet", "constant")
    if len(patch) != 3 or min(patch) < 1 or not 0 <= overlap < 1 or not is_known:
        raise ModelUnavailable(say("The model asks for impossible tiles."))
    state.tiling = Tiling((patch[0], patch[1], patch[2]), overlap, blend)


def _ask_features(state: State, net: RadialNet) -> None:
    if state.features is None:
        raise ModelUnavailable(say("The model asks for features before it has measured any."))
    features = torch.from_numpy(state.features.astype(np.float32)).to(state.context.device)
    with torch.inference_mode():
        state.member_logits = _array(net(features[None])[0])
    state.logits = state.member_logits.mean(keepdims=True)


def _array(tensor: Tensor) -> FloatArray:
    return np.ascontiguousarray(tensor.float().cpu().numpy())


def _load_net(
    context: Context, arch: str, weights: str, args: Mapping[str, Any], prefix: str
) -> nn.Module:
    net = build_net(arch, args)
    load_weights(net, _folder(context).content(weights), weights, prefix)
    return as_volumes(net).eval().to(context.device)


def as_volumes(net: nn.Module) -> nn.Module:
    """A network of planes that gives pictures, as one of volumes; any other as it is."""
    if isinstance(net, GraphNet) and net.dims == 2 and not net.is_flat:
        return SliceBySlice(net)
    return net


def _folder(context: Context) -> ModelFolder:
    if context.folder is None:
        raise ModelUnavailable(say("The model's weights are missing."))
    return context.folder


def load_weights(net: nn.Module, raw: bytes, name: str, prefix: str = "") -> None:
    """Fill a net from the bytes of a safetensors file; half precision is widened.

    name: of the file, for what is said. Raises ModelUnavailable when names or shapes differ from
    the network's.
    """
    wanted = net.state_dict()
    try:
        found = {k.removeprefix(prefix): v for k, v in load(raw).items()}
    except (SafetensorError, ValueError) as error:
        raise ModelUnavailable(
            say("The weights are damaged or no safetensors file."), name
        ) from error
    found_shapes = {key: tuple(array.shape) for key, array in found.items()}
    if found_shapes != {key: tuple(tensor.shape) for key, tensor in wanted.items()}:
        raise ModelUnavailable(say("The weights do not belong to this network."), name)
    net.load_state_dict({n: torch.from_numpy(a).to(wanted[n].dtype) for n, a in found.items()})


@step("mirror", _RUNNING)
def mirror(
    state: State, axes: list[int], max_evals: int = 2, pairs: list[int] | None = None
) -> None:
    """Average the logits with those of mirrored images (axis 0 is i), in `max_evals` passes.

    pairs: labels of the right and the left, two by two, that change places in a mirror along i.
    """
    if state.answer is None:
        raise ModelUnavailable(say("The model mirrors before it has a network."))
    if state.has_logits:  # somebody has read the plain look already
        swapped(len(_logits(state)), pairs or [])
    flips = [Flip(3 - axis, tuple(pairs or ()) if axis == 0 else ()) for axis in axes]
    state.answer.forward.flips = flips[: max_evals - 1]
    state.forget_logits()


@step("temperature", _RUNNING)
def temperature(state: State, value: float | str) -> None:
    """Divide the logits by the temperature that calibration found.

    A calibration on a reader's own cases also moves them first (calib.json `shift`).
    """
    shift = np.float32(_calibration(state.context).get("shift", 0))
    state.logits = (_logits(state) + shift) / np.float32(_number(state.context, value))


@step("activate", _RUNNING)
def activate(state: State, fn: str) -> None:
    """Logits to probabilities: `softmax` over the classes, `sigmoid` of each, or `none`.

    A classifier's probabilities become scores, named by the model's outputs in their order.
    """
    logits = torch.from_numpy(_logits(state))
    if fn == "softmax":
        state.logits = torch.softmax(logits, 0).numpy()
    elif fn == "sigmoid":
        state.logits = torch.sigmoid(logits).numpy()
    values = _logits(state)
    folder = state.context.folder
    if values.ndim == 1 and folder is not None:
        names = [label.name for label in folder.outputs if not label.weak]
        state.scores = {name: float(v) for name, v in zip(names, values, strict=True)}
        thresholds = folder.calibration().get("thresholds", {})
        state.thresholds = {name: float(thresholds[name]) for name in names if name in thresholds}


def _logits(state: State) -> FloatArray:
    if state.logits is None:
        raise ModelUnavailable(say("The model reads a network's answer before it has one."))
    return state.logits


@step("interval", _RUNNING)
def interval(state: State) -> None:
    """A 95 % interval of a single probability, from what might as well have been learnt.

    The members of the net, each of which learnt from other patients, times the temperatures and
    shifts that resampled patients of the calibration gave (`calib.json` platt, pairs): the 2.5th
    and 97.5th percentile of all these probabilities, widened to hold the one that is given.
    """
    (name, score), *others = state.scores.items()
    if others or state.member_logits is None:
        raise ModelUnavailable(say("The model asks for an interval that it cannot give."))
    try:
        pairs = np.array(_calibration(state.context)["platt"], np.float64).reshape(-1, 2)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelUnavailable(say("calib.json lacks a value."), detail=str(error)) from error
    logits = (state.member_logits[:, None] + pairs[None, :, 1]) / pairs[None, :, 0]
    low, high = np.percentile(1 / (1 + np.exp(-logits)), [2.5, 97.5])
    state.intervals[name] = (min(float(low), score), max(float(high), score))


@step("features", _RUNNING)
def features(state: State, layers: list[str]) -> None:
    """Mean and deviation of every channel of the named feature maps, one after the other."""
    try:
        maps = [state.feature_maps[layer] for layer in layers]
    except KeyError as error:
        raise ModelUnavailable(say("The model names a layer that it does not have.")) from error
    state.features = pooled(maps)


def pooled(maps: list[FloatArray]) -> FloatArray:
    """[channel, ...] maps to one vector: their means and deviations over space."""
    flat = [m.reshape(m.shape[0], -1).astype(np.float64) for m in maps]
    parts = [part for m in flat for part in (m.mean(1), m.std(1))]
    return np.concatenate(parts).astype(np.float32)


@step("ood", _RUNNING)
def ood(state: State, score: str, limit: float | str, warn: float | str | None = None) -> None:
    """Refuse an image whose features lie farther from the training images than `limit`.

    From `warn` on the result carries a banner; without it, from `ood/warn` of calib.json on where
    that stands there.
    """
    if state.features is None or score != "mahalanobis":
        raise ModelUnavailable(say("The model measures strangeness without features."))
    judge_distance(state, limit, warn)


def judge_distance(state: State, limit: float | str, warn: float | str | None) -> None:
    """Hold `state.features` against the training's: refuse, warn, or say that they are alike."""
    calib = _calibration(state.context)
    try:
        distance = mahalanobis(state.features, calib["ood"])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelUnavailable(say("calib.json lacks a value."), detail=str(error)) from error
    if not distance <= _number(state.context, limit):
        raise InputRefused(
            say("This picture is unlike the ones the model was trained on."),
            what_to_do=say("Check that it shows the right body part and is not rotated or cut."),
            detail=f"distance {distance:.2f}",
        )
    nearest = calib["ood"].get("warn") if warn is None else _number(state.context, warn)
    state.checks.append(_judged(distance, nearest))


def _judged(distance: float, warn: float | None) -> Check:
    if warn is not None and not distance <= float(warn):
        said = say(
            "This picture is less like the ones the model was trained on than 19 of 20 of them "
            "(distance {distance}, usual up to {limit}).",
            distance=round(distance, 2), limit=round(float(warn), 2),
        )  # fmt: skip
        return Check("distance", ok=False, said=said, grade="warn")
    return Check("distance", ok=True, said=say(
        "The picture is like those the model was trained on (distance {distance}).",
        distance=round(distance, 2),
    ))  # fmt: skip


def mahalanobis(features: Any, known: Mapping[str, Any]) -> float:
    """Distance of pooled features from the training's, per square root of their number.

    known: mean and scale [n], principal axes [m, n] of the standardised training features with
    their variances [m], and one rest_variance for what the axes do not span (probabilistic
    principal components, Tipping and Bishop 1999). About 1 for an image of the training.
    """
    centred: NDArray[np.float64] = (
        np.asarray(features, np.float64) - np.asarray(known["mean"], np.float64)
    ) / np.asarray(known["scale"], np.float64)
    along = np.asarray(known["axes"], np.float64) @ centred
    rest = max(0.0, float(centred @ centred - along @ along))
    total = float(np.sum(along**2 / np.asarray(known["variances"], np.float64)))
    return float(np.sqrt((total + rest / float(known["rest_variance"])) / len(centred)))


def _calibration(context: Context) -> Mapping[str, Any]:
    return {} if context.folder is None else context.folder.calibration()


_number = calibrated_number
