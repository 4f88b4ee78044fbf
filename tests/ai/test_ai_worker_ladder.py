"""Memory runs short: what is given up, in which order, is said, and the answer stays right.

The cards here are entries of a device table whose tensors lie in main memory: the ladder, the
plan and the choice of an engine are the program's own. No real card was used.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.metadata import version

import numpy as np
import pytest
import torch
from ai_pipeline_dicom import as_volume
from torch import Tensor, nn

from medview.ai.folder import open_folder
from medview.ai.worker import budget, probe, selftest
from medview.ai.worker.budget import Cost, plan
from medview.ai.worker.devices import CPU, Device, pick
from medview.ai.worker.engines import TorchEngine
from medview.ai.worker.forward import Answer, Forward
from medview.ai.worker.ladder import Ladder, TooFine, is_shortage
from medview.ai.worker.nets import build_net
from medview.ai.worker.tiles import Tiling
from medview.core.errors import MedViewError
from medview.core.geometry import Geometry
from medview.core.paths import shipped_models_dir
from medview.core.progress import CancelToken

GB = 1 << 30
TILING = Tiling((6, 6, 6))


def card(free: int = 8 * GB, title: str = "card") -> Device:
    return Device("cuda", "cpu", title, ("float32", "bfloat16"), lambda: free)


@dataclass
class Greedy:
    """A pointwise net on a card that holds `room` tiles; `seen` tells what it was asked."""

    room: int
    works_on: str = "any"
    ladder: Ladder = field(default_factory=lambda: Ladder(card(), batch=8))
    seen: list[int] = field(default_factory=list)

    def __call__(self, tiles: Tensor) -> Tensor:
        self.seen.append(len(tiles))
        if len(tiles) > self.room or self.works_on not in ("any", self.ladder.device.kind):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return torch.cat([torch.zeros_like(tiles), tiles], 1)

    def answer(self, image: np.ndarray) -> np.ndarray:
        return Answer(Forward(self, self.ladder), image, TILING, CancelToken()).whole()

    @property
    def said(self) -> list[str]:
        return [note.english() for note in self.ladder.notes]


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(3).normal(size=(7, 13, 15)).astype(np.float32)


def right(found: np.ndarray, image: np.ndarray) -> bool:
    return bool(np.allclose(found[1], image, atol=1e-5))


def test_fewer_tiles_at_a_time_come_first_and_the_answer_is_the_same(image):
    net = Greedy(room=2)
    assert right(net.answer(image), image)
    assert net.said == [f"Memory ran short: {n} tiles at a time." for n in (4, 2)]
    assert max(net.seen[2:]) == 2


def test_the_whole_way_down_to_the_processor_is_said_step_by_step(image):
    net = Greedy(room=8, works_on="cpu")
    assert right(net.answer(image), image)
    assert net.ladder.device is CPU
    assert net.said[-2:] == [
        "Memory ran short: tiles are joined in main memory.",
        "Memory of card ran short: computed on the processor.",
    ]


def test_a_coarser_grid_is_tried_before_the_processor_where_the_model_knows_one():
    ladder = Ladder(card(), stitches_on_device=False, coarser=True)
    with pytest.raises(TooFine):
        ladder.down()
    ladder.down()
    assert ladder.device is CPU


def test_at_the_end_of_the_ladder_the_run_is_refused_in_words(image):
    net = Greedy(room=0, ladder=Ladder(CPU))
    with pytest.raises(MedViewError, match="Memory did not suffice"):
        net.answer(image)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (MemoryError(), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), True),
        (RuntimeError("cuBLAS error: CUBLAS_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("shape '[3]' is invalid"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_other_faults_are_not_taken_for_shortage(error, expected):
    assert is_shortage(error) is expected


def test_the_plan_takes_what_fits_and_says_what_does_not():
    ladder = Ladder(card(free=int(2.1 * GB)))
    plan(ladder, Cost(0, 0.5 * GB, 2), (64, 64, 64), 32)
    assert (ladder.batch, ladder.device.kind, ladder.notes) == (4, "cuda", [])

    small = Ladder(card(free=GB // 2))
    plan(small, Cost(0, 0.4 * GB, 40), (200, 512, 512), 64)
    assert small.device.kind == "cuda"
    assert not small.stitches_on_device  # 40 classes x 64 x 512 x 512 do not fit there


def test_what_cannot_fit_is_refused_before_it_begins_with_both_figures(monkeypatch):
    monkeypatch.setattr(budget, "available_bytes", lambda: 3 * GB)
    with pytest.raises(MedViewError, match=r"would need 21\.5 GB .* 3\.2 GB are free"):
        plan(Ladder(CPU), Cost(0, 20 * GB, 2), (10, 10, 10), 10)


def test_a_model_gets_no_more_memory_than_it_states(monkeypatch):
    monkeypatch.setattr(budget, "available_bytes", lambda: 30 * GB)
    stated = Ladder(CPU, most_bytes=2e9)
    plan(stated, Cost(0, 1 * GB, 2), (10, 10, 10), 10)
    with pytest.raises(MedViewError, match=r"at most 2\.0 GB .* would need 21\.5 GB"):
        plan(stated, Cost(0, 20 * GB, 2), (10, 10, 10), 10)

    coarse = Ladder(CPU, coarser=True, most_bytes=2e9)  # first what it can do with less
    with pytest.raises(TooFine):
        plan(coarse, Cost(0, 20 * GB, 2), (10, 10, 10), 10)


def test_the_roomiest_card_is_picked_and_a_wish_without_a_card_is_none():
    small, large = card(GB, "small"), card(4 * GB, "large")
    assert pick("auto", (small, large, CPU)) is large
    assert pick("cpu", (small, large, CPU)) is CPU
    assert pick("cuda", (CPU,)) is None


@pytest.fixture
def net() -> nn.Module:
    torch.manual_seed(1)
    args = {"outputs": 3, "widths": [4, 8], "encoder": [1, 1], "decoder": [1]}
    return build_net("unet3d", args).eval()


def test_an_engine_that_says_something_else_is_not_taken_however_quick(net):
    class Wrong:
        name, precision = "wrong", "float32"

        def __call__(self, tiles: Tensor) -> Tensor:
            return torch.zeros((len(tiles), 3, *tiles.shape[2:]))

    tiles = torch.randn(1, 1, 16, 16, 16)
    with torch.inference_mode():
        plain = TorchEngine(net, CPU, "float32")
        choice, engine = probe.measure(plain, {"wrong": Wrong}, tiles)
    assert engine is plain
    assert list(choice.seconds) == ["torch float32"]


def test_half_precision_is_asked_and_held_against_float32(net):
    tiles = torch.randn(1, 1, 16, 16, 16)
    with torch.inference_mode():
        half = TorchEngine(net, CPU, "bfloat16")
        choice, _ = probe.measure(TorchEngine(net, CPU, "float32"), {"b": lambda: half}, tiles)
    assert half(tiles).dtype == torch.float32
    assert set(choice.seconds) <= {"torch float32", "torch bfloat16"}


def test_openvino_says_what_torch_says_and_is_remembered(net, monkeypatch, tmp_path):
    pytest.importorskip("openvino")
    monkeypatch.setattr(probe, "user_cache_dir", lambda: tmp_path)
    monkeypatch.setattr(probe, "PAYS", 1e9)  # whatever agrees is taken, how quick it may be
    tiles = torch.randn(2, 1, 16, 24, 16)
    with torch.inference_mode():
        engine = probe.choose(net, tiles, CPU, "manifest", probe.ALONE_FLOPS)
        assert engine.name == "openvino"
        assert torch.allclose(engine(tiles), net(tiles), atol=1e-3)
        kept = list((tmp_path / "engines").iterdir())
        assert len(kept) == 1
        again = probe.choose(net, tiles, CPU, "manifest", probe.LEAST_FLOPS)
        short = probe.choose(net, tiles, CPU, "manifest", probe.LEAST_FLOPS / 2)
    assert again.name == "openvino"
    assert short.name == "torch"  # not worth compiling


def test_a_first_short_run_is_not_kept_waiting_and_the_second_is_measured(
    net, monkeypatch, tmp_path
):
    class Twin(TorchEngine):
        name = "twin"

    asked = []
    monkeypatch.setattr(probe, "user_cache_dir", lambda: tmp_path)
    monkeypatch.setattr(probe, "PAYS", 1e9)
    twin = {"twin float32": lambda: Twin(net, CPU, "float32")}
    monkeypatch.setattr(probe, "_makers", lambda *_: twin)
    tiles = torch.randn(1, 1, 16, 16, 16)

    def chosen(flops, key="a", judge=lambda _: True):
        with torch.inference_mode():
            return probe.choose(net, tiles, CPU, key, flops, judge).name

    short = probe.AGAIN_FLOPS * 0.6
    assert [chosen(short) for _ in range(3)] == ["torch", "twin", "twin"]
    assert chosen(probe.ALONE_FLOPS, "long") == "twin"
    # the model's own case has the last word
    assert chosen(probe.ALONE_FLOPS, "judged", lambda name: bool(asked.append(name))) == "torch"
    assert asked == ["twin float32"]


def test_the_case_of_a_model_is_run_with_the_engine_in_question(monkeypatch, tmp_path):
    pytest.importorskip("openvino")
    monkeypatch.setattr("medview.ai.selftest.user_cache_dir", lambda: tmp_path)
    folder = open_folder(shipped_models_dir() / "hippocampus")
    with torch.inference_mode():
        assert selftest.passes_with(folder, CPU, "openvino float32")
        monkeypatch.setattr(selftest, "_answer", lambda *_: {})  # another answer: none at all
        assert selftest.passes_with(folder, CPU, "openvino float32")  # remembered
        assert not selftest.passes_with(folder, CPU, "openvino bfloat16")
    kept = (tmp_path / "model-selftests.json").read_text(encoding="utf-8")
    assert f"cpu openvino {version('openvino')} float32" in kept


def test_a_run_tells_what_it_gave_up(image):
    from medview.ai.worker.net_steps import network, tile
    from medview.ai.worker.output_steps import restore
    from medview.ai.worker.steps import Context, State

    greedy = Greedy(room=1)
    context = Context(networks={":w:": greedy}, ladder=greedy.ladder)
    state = State(as_volume(image, Geometry(shape=image.shape)), context)
    tile(state, patch=[6, 6, 6])
    network(state, arch="", weights="w")
    restore(state)
    assert np.array_equal(state.label_map, image > 0)
    assert greedy.said[-1] == "Memory ran short: 1 tile at a time."
