"""From a TOML file to a nodule model folder: read, measure, learn in folds, calibrate, describe."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from medview import __version__
from medview.ai.folder import ModelFolder, open_folder, write_manifest
from medview.ai.worker.nets import build_net
from medview.ai.worker.nodule_features import measure_patch, stretched
from medview.ai.worker.nodule_steps import occlusion
from medview.ai.worker.pipeline import load_steps
from medview.ai.worker.radial_net import RadialNet
from medview.ai.worker.steps import Context, State
from medview.core.errors import InvalidInput
from medview.core.progress import CancelToken, Progress
from medview.core.words import say, tr
from medview.imaging.nodule_patch import unpack
from medview.training.cases import Case, deal, fingerprint, read_cases, require_no_leak
from medview.training.checkpoint import save_half
from medview.training.curves import draw_learning, draw_reliability, require_plots
from medview.training.data_checks import require_unchanged
from medview.training.evaluation import Listener, evaluate_cases
from medview.training.metrics import classifier_figures
from medview.training.nodule.card import CURVES, Told, write_card
from medview.training.nodule.curve import learning_curve
from medview.training.nodule.figures import beside_diameter, reliability
from medview.training.nodule.judge import calibrate, crossed
from medview.training.nodule.learn import Lesson, answers, fold_of, learn, unseen
from medview.training.nodule.plan import Plan
from medview.training.nodule.variants import variant
from medview.training.pictures import draw_worst
from medview.training.seal import at_work_in, model_in, seal_folder
from medview.training.trust import card_section, fit_trust, parts_of


@dataclass(frozen=True, eq=False, kw_only=True)
class Data:
    """Both parts of the set; truth: 1 where rated suspicious."""

    train: tuple[Case, ...]
    dev: tuple[Case, ...]
    truth: NDArray[np.int64]
    lesson: Lesson

    @property
    def patients(self) -> list[str]:
        """Of the nodules of `train`, in their order."""
        return [case.patient for case in self.train]

    @property
    def hash(self) -> str:
        """Of the pictures and ratings that are learnt."""
        digest = hashlib.sha256()
        for case in self.train:
            digest.update(np.ascontiguousarray(case.volume.stored).tobytes())
        digest.update(self.lesson.rating.tobytes())
        return digest.hexdigest()


def train_nodule(plan: Plan, folder: Path, progress: Progress, cancel: CancelToken) -> Path:
    """Leave a whole model folder as `folder/model`. Raises InvalidInput, Cancelled, WriteFailed."""
    require_plots()
    torch.set_num_threads(1)
    load_steps()
    began = time.process_time()
    data = read_data(plan, progress, cancel)
    args = {**plan.network["args"], "centres": len(data.train) * (1 + plan.nodule.variants)}
    net = build_net(plan.network["arch"], args)
    if not isinstance(net, RadialNet):
        raise InvalidInput(
            say("The training file has an impossible value for {name}.", name="arch")
        )
    learn(net, data.lesson, plan.nodule, progress, cancel)
    with at_work_in(folder), model_in(folder) as new:
        _write_model(plan, data, net, new)
        _describe(plan, data, net, new, (Listener(progress, cancel), began))
        seal_folder(new)
    return folder / "model"


def read_data(plan: Plan, progress: Progress, cancel: CancelToken) -> Data:
    """Read and measure both parts. Raises InvalidInput where a patient stands in both."""
    require_unchanged(plan.data_folder)
    train, dev = (tuple(read_cases(plan.data_folder, part)) for part in ("train", "dev"))
    require_no_leak(
        {
            name: [(c.patient, fingerprint(c.volume)) for c in cases]
            for name, cases in (("train", train), ("dev", dev))
        }
    )
    truth = np.array([case.label in plan.data.positive for case in train], np.int64)
    if truth.min() == truth.max():
        raise InvalidInput(say("A class of the training data has no case."))
    rng, own, others = np.random.default_rng(plan.nodule.seed), [], []
    for number, case in enumerate(train):
        cancel.check()
        progress(number, len(train), tr("Reading the training data"))
        grey, outline = _parts(case)
        own.append(measure_patch(stretched(grey), outline))
        changed = [variant(rng, grey, outline) for _ in range(plan.nodule.variants)]
        others.append([measure_patch(stretched(g), o) for g, o in changed])
    patients = [case.patient for case in train]
    order = list(deal(set(patients), plan.nodule.seed, {}))
    variants = np.array(others).reshape(len(train), plan.nodule.variants, -1).transpose(1, 0, 2)
    lesson = Lesson(
        features=np.array(own),
        variants=variants,
        rating=np.array([case.numbers["rating"] for case in train]),
        readers=np.array([case.numbers["readers"] for case in train]),
        fold=fold_of(patients, order, plan.nodule.folds),
    )
    return Data(train=train, dev=dev, truth=truth, lesson=lesson)


def _parts(case: Case) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    grey, outline = unpack(case.volume.stored)
    if not outline.any():
        raise InvalidInput(
            say("A case of the labelled data is missing or damaged."), case.id,
            detail="no outline",
        )  # fmt: skip
    return grey, outline


def _write_model(plan: Plan, data: Data, net: RadialNet, folder: Path) -> None:
    calib = calibrate(net, data.lesson, data.truth, data.patients, plan.nodule)
    name = plan.model["outputs"][0]["name"]
    calib["thresholds"] = {name: calib.pop("threshold")}
    calib["heatmap_full"] = {name: _full_scale(net, data, plan.nodule.heatmaps)}
    _write_json(folder / "calib.json", calib)
    (folder / plan.network["weights"]).write_bytes(save_half(net))
    _write_json(folder / "model.json", _description(plan, data, net))
    shutil.copyfile(plan.path, folder / "train.toml")


def _description(plan: Plan, data: Data, net: RadialNet) -> dict[str, Any]:
    steps = [dict(step) for step in plan.model["pipeline"]]
    for step in steps:
        if step["op"] == "network":
            step["args"] = {**step["args"], "centres": len(net.centres)}
    provenance = {
        "train_data": [plan.data.title],
        "attribution": plan.data.attribution,
        "positive": list(plan.data.positive),
        "train_hash": f"sha256:{data.hash}",
        "seed": plan.nodule.seed,
        "engine": f"medview {__version__}",
    }
    return {**plan.model, "pipeline": steps, "provenance": provenance}


def _full_scale(net: RadialNet, data: Data, count: int) -> float:
    # The strongest fall that suspicious nodules showed, but for the last per cent.
    peaks = []
    for number in np.flatnonzero(data.truth == 1)[:count]:
        state = State(data.train[number].volume, Context(networks={"last": net}))
        state.member_logits = answers(net, data.lesson.features[number][None])[0].astype(np.float32)
        peaks.append(float(occlusion(state)[0].max()))
    return round(max(float(np.percentile(peaks, 99)), 1e-3), 4)


def _describe(
    plan: Plan, data: Data, net: RadialNet, folder: Path, how: tuple[Listener, float]
) -> None:
    listener, began = how
    # The folder has to be whole before its pipeline runs: first without figures, then with them.
    _write_json(folder / "eval.json", {"metrics": {}, "estimate": {}})
    (folder / "card.md").write_text("", encoding="utf-8")
    write_manifest(folder)
    model, trust = _certain(plan, open_folder(folder), listener)
    dev = evaluate_cases(model, data.dev, listener)
    draw_worst(model, data.dev, dev.per_case, folder.parent / "pictures")
    logits = unseen(net, data.lesson)
    probability, called = crossed(logits, data.truth, data.lesson.fold, plan.nodule)
    rows = [
        {
            "patient": case.patient, "label": case.label, "score": float(p), "positive": bool(c),
            "diameter_mm": case.numbers["diameter_mm"],
        }
        for case, p, c in zip(data.train, probability, called, strict=True)
    ]  # fmt: skip
    together = [*rows, *(row for row in dev.per_case if "refused" not in row)]
    figures: dict[str, Any] = {
        "metrics": dev.metrics,
        "estimate": _figures(together, plan.data.positive),
        "folds": _figures(rows, plan.data.positive),
        "dev": {**_counts(data.dev), "refused": dev.refused},
        "held_out": {
            **_counts([*data.train, *data.dev]), "refused": dev.refused,
            "how": "nodules of train by the net of the fold that left their patient out, those of "
                   "dev by all nets; nobody of dev was learnt from",
        },
        "data": plan.data.title,
        "learning": learning_curve(
            plan, data.lesson, (data.truth, data.patients), listener.cancel
        ),
        **({"trust": trust} if trust else {}),
    }  # fmt: skip
    _write_json(folder / "eval.json", figures)
    draw_learning(figures["learning"], folder / CURVES, plan.name)
    suspicious = [row["label"] in plan.data.positive for row in together]
    draw_reliability(together, suspicious, folder / "reliability.png", plan.name)
    told = Told(
        figures=figures,
        bins=reliability(suspicious, [row["score"] for row in together]),
        dev=dev.per_case,
        train_hash=data.hash,
        weights_hash=hashlib.sha256(
            (folder / plan.network["weights"]).read_bytes()
        ).hexdigest(),
        parameters=sum(p.numel() for p in net.parameters()),
        seconds=round(time.process_time() - began),
    )  # fmt: skip
    card = write_card(plan, told) + (f"\n{card_section(trust)}" if trust else "")
    (folder / "card.md").write_text(card, encoding="utf-8")


def _certain(
    plan: Plan, model: ModelFolder, listener: Listener
) -> tuple[ModelFolder, Mapping[str, Any]]:
    """The folder with its limits of certainty in calib.json, and the figures of them."""
    if not plan.certainty:
        return model, {}
    parts = parts_of(model, plan.data_folder)
    calib, about, _ = fit_trust(model, parts, plan.certainty, listener)
    _write_json(model.path / "calib.json", calib)
    write_manifest(model.path)
    return open_folder(model.path), about


def _figures(rows: Sequence[Mapping[str, Any]], positive: Sequence[str]) -> dict[str, Any]:
    truth = [row["label"] in positive for row in rows]
    scores, patients = [row["score"] for row in rows], [row["patient"] for row in rows]
    return {
        **classifier_figures(truth, scores, [row["positive"] for row in rows], patients),
        **beside_diameter(truth, scores, [row["diameter_mm"] for row in rows], patients),
    }


def _counts(cases: Sequence[Case]) -> dict[str, int]:
    return {"cases": len(cases), "patients": len({case.patient for case in cases})}


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
