"""Foreign graphs: translated node by node, with the answers of another runtime; refused by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from medview.ai.folder import ModelFolder
from medview.ai.importers import Wish, imported, is_foreign
from medview.ai.worker.exporting import export
from medview.ai.worker.graph_net import GraphNet, SliceBySlice, build_graph
from medview.ai.worker.nets import build_net
from medview.ai.worker.onnx_file import Graph
from medview.ai.worker.onnx_graph import graph_of
from medview.ai.worker.onnx_import import convert_onnx
from medview.core.errors import ModelUnavailable
from medview.core.paths import shipped_models_dir

ABOUT = {
    "title": "Bright places", "modality": "MR", "kind": "segmentation",
    "outputs": [{"label": 1, "name": "Bright", "color": "#ffcc00"}],
    "pipeline": [
        {"op": "orient", "axes": "LPS"}, {"op": "normalize", "mode": "zscore"},
        {"op": "pad_multiple", "factors": [1, 4, 4]}, {"op": "network"}, {"op": "restore"},
    ],
}  # fmt: skip
PLANE: list[int | str] = ["n", 1, "rows", "columns"]


def weight(graph: Graph, name: str, *shape: int) -> str:
    rng = np.random.default_rng(len(graph.weights))
    graph.weights[name] = rng.normal(0, 0.5, shape).astype("f4")
    return name


def plane_unet(graph: Graph) -> str:
    """A U-Net of planes with what exporters write: pools, norms, a resize, a skip."""
    graph.add("Conv", ["image", weight(graph, "w1", 4, 1, 3, 3), weight(graph, "b1", 4)], "a",
              kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[1, 1])  # fmt: skip
    norm = [weight(graph, name, 4) for name in ("g", "b", "m", "v")]
    graph.weights["v"] = np.abs(graph.weights["v"]) + np.float32(0.5)
    graph.add("BatchNormalization", ["a", *norm], "an", epsilon=1e-3)
    graph.add("PRelu", ["an", weight(graph, "slope", 1, 1, 1)], "ap")
    graph.add("MaxPool", ["ap"], "p", kernel_shape=[2, 2], strides=[2, 2])
    graph.add("Conv", ["p", weight(graph, "w2", 4, 4, 3, 3)], "c", kernel_shape=[3, 3],
              pads=[2, 2, 2, 2], dilations=[2, 2])  # fmt: skip
    scale = weight(graph, "gi", 4), weight(graph, "bi", 4)
    graph.add("InstanceNormalization", ["c", *scale], "ci", epsilon=1e-5)
    graph.add("LeakyRelu", ["ci"], "cl", alpha=0.1)
    graph.weights["scales"] = np.array([1, 1, 2, 2], np.float32)
    graph.add("Resize", ["cl", "", "scales"], "r")
    graph.add("ConvTranspose", ["cl", weight(graph, "wt", 4, 4, 2, 2)], "t",
              kernel_shape=[2, 2], strides=[2, 2])  # fmt: skip
    graph.add("Add", ["r", "t"], "s")
    graph.add("Concat", ["s", "ap"], "both", axis=1)
    return graph.add("Conv", ["both", weight(graph, "wh", 2, 8, 1, 1)], "logits",
                     kernel_shape=[1, 1])  # fmt: skip


def plane_classifier(graph: Graph) -> str:
    graph.add("Conv", ["image", weight(graph, "w1", 4, 1, 3, 3)], "a", strides=[2, 2])
    graph.add("Relu", ["a"], "ar")
    graph.add("AveragePool", ["ar"], "p", kernel_shape=[2, 2], strides=[2, 2])
    graph.add("GlobalAveragePool", ["p"], "m")
    graph.add("Flatten", ["m"], "f", axis=1)
    graph.add("Gemm", ["f", weight(graph, "w", 3, 4), weight(graph, "b", 3)], "g", transB=1)
    return graph.add("Sigmoid", ["g"], "logits")


def written(make: Callable[[Graph], str], path: Path, outputs: list[int | str] = PLANE) -> bytes:
    graph = Graph()
    end = make(graph)
    raw = graph.write(("image", PLANE), (end, outputs), {})
    path.write_bytes(raw)
    return raw


def as_net(source: Path, target: Path) -> GraphNet:
    found = convert_onnx(str(source), str(target))
    net = build_graph(dims=found["dims"], nodes=found["nodes"])
    net.load_state_dict(load_file(target))
    return net.eval()


@pytest.mark.parametrize(
    ("make", "is_flat", "multiple"), [(plane_unet, False, 2), (plane_classifier, True, 4)]
)
def test_a_graph_answers_as_another_runtime_does(
    make: Callable[[Graph], str], is_flat: bool, multiple: int, tmp_path: Path
) -> None:
    import onnxruntime

    outputs: list[int | str] = ["n", 3] if is_flat else ["n", 2, "rows", "columns"]
    raw = written(make, tmp_path / "net.onnx", outputs)
    session = onnxruntime.InferenceSession(raw, providers=["CPUExecutionProvider"])
    image = np.random.default_rng(1).normal(size=(2, 1, 20, 16)).astype("f4")
    net = as_net(tmp_path / "net.onnx", tmp_path / "w.safetensors")
    with torch.inference_mode():
        own = net(torch.from_numpy(image)).numpy()

    np.testing.assert_allclose(own, session.run(None, {"image": image})[0], atol=2e-5)
    assert (net.is_flat, net.multiples) == (is_flat, (multiple, multiple))
    if not is_flat:  # a series is looked at plane by plane
        volume = torch.from_numpy(image.transpose(1, 0, 2, 3)[None])
        with torch.inference_mode():
            slices = SliceBySlice(net)(volume).numpy()[0].transpose(1, 0, 2, 3)
        np.testing.assert_allclose(slices, own, atol=1e-6)


def labels_of(model: ModelFolder, case: Path) -> dict[str, np.ndarray]:
    from medview.ai.selftest import read_arrays
    from medview.ai.worker.selftest import _answer

    return dict(_answer(model, read_arrays(case.read_bytes())))


@pytest.mark.parametrize(
    "name", ["hippocampus", pytest.param("pneumonia-child", marks=pytest.mark.slow)]
)
def test_what_we_wrote_comes_back_as_a_graph_with_the_same_answers(
    name: str, tmp_path: Path
) -> None:
    shipped = shipped_models_dir() / name
    export(str(shipped), str(tmp_path / "net.onnx"), "onnx")
    assert is_foreign(tmp_path / "net.onnx")
    with imported(tmp_path / "net.onnx", Wish(name="again")) as model:
        step = next(step for step in model.pipeline if step["op"] == "network")
        assert (model.name, step["arch"]) == ("again", "graph")
        own, wanted = (labels_of(folder, shipped / "selftest" / "in.npz")
                       for folder in (model, _folder(shipped)))  # fmt: skip
        outputs = model.description["outputs"]
    assert not any(each.get("weak") for each in outputs)  # a graph has no pooled features
    for key in ("labels", "scores"):
        assert (key in own) == (key in wanted)
        if key in own:
            there = wanted[key][: len(outputs)] if key == "scores" else wanted[key]
            np.testing.assert_allclose(own[key], there, atol=1e-5)


def _folder(path: Path) -> ModelFolder:
    from medview.ai.folder import open_folder

    return open_folder(path)


def test_a_graph_with_a_metadata_file_becomes_a_model(tmp_path: Path) -> None:
    written(plane_unet, tmp_path / "bright.onnx")
    (tmp_path / "bright.json").write_text(json.dumps(ABOUT), encoding="utf-8")
    with imported(tmp_path / "bright.onnx", Wish(licence="CC0-1.0")) as model:
        assert (model.name, model.licence, model.kind) == ("bright-onnx", "CC0-1.0", "segmentation")
        assert model.gates[0]["in"] == ["MR"]
        assert "ONNX graph" in model.card()
        assert model.description["limits"] == {"parameters_max": 290}
        assert model.path.joinpath("selftest", "out.npz").is_file()


def test_a_graph_that_says_nothing_about_itself_is_refused(tmp_path: Path) -> None:
    written(plane_classifier, tmp_path / "bright.onnx", ["n", 3])
    with (
        pytest.raises(ModelUnavailable, match="Nothing says what comes before") as caught,
        imported(tmp_path / "bright.onnx", Wish()),
    ):
        pass
    assert "bright.json" in str(caught.value.what_to_do)


def _odd(op: str, inputs: list[str], **settings: float) -> Callable[[Graph], str]:
    def make(graph: Graph) -> str:
        weight(graph, "w", 1, 1, 3, 3)
        weight(graph, "one", 1)
        return graph.add(op, inputs, "logits", **settings)  # type: ignore[arg-type]

    return make


@pytest.mark.parametrize(("make", "words"), [
    (_odd("Loop", ["image"]), "uses Loop"),
    (_odd("Add", ["image", "one"]), "uses Add, one"),
    (_odd("Conv", ["image", "w"], pads=[0, 0, 1, 1]), r"pads \[0, 0, 1, 1\]"),  # type: ignore[arg-type]
    (_odd("Conv", ["image", "image"]), "uses Conv, image"),
    (_odd("Softmax", ["image"], axis=3), "uses Softmax, axis"),
    (_odd("Conv", ["elsewhere", "w"]), "no sound ONNX file"),
])  # fmt: skip
def test_what_cannot_be_translated_is_named(
    make: Callable[[Graph], str], words: str, tmp_path: Path
) -> None:
    written(make, tmp_path / "net.onnx")
    with pytest.raises(ModelUnavailable, match=words):
        convert_onnx(str(tmp_path / "net.onnx"), str(tmp_path / "w.safetensors"))


def test_a_damaged_file_ends_in_a_sentence_wherever_it_is_cut(tmp_path: Path) -> None:
    raw = written(plane_classifier, tmp_path / "net.onnx", ["n", 3])
    for at in (0, 1, 7, len(raw) // 3, len(raw) // 2, len(raw) - 3):
        (tmp_path / "cut.onnx").write_bytes(raw[:at])
        with pytest.raises(ModelUnavailable, match="no sound ONNX"):
            convert_onnx(str(tmp_path / "cut.onnx"), str(tmp_path / "w.safetensors"))


@pytest.mark.parametrize("nodes", [
    ["a = conv image"], ["a = relu b"], ["a = relu image", "a = relu image"], ["relu image"],
    ["a = resize image scale=9000,9000 mode=nearest"], ["a = eval image"], [],
])  # fmt: skip
def test_nodes_that_are_none_are_refused(nodes: list[str]) -> None:
    with pytest.raises(ModelUnavailable):
        build_net("graph", {"dims": 2, "nodes": nodes})


def test_a_network_of_ours_survives_the_way_out_and_in(tmp_path: Path) -> None:
    net = build_net("unet3d", {"outputs": 2, "widths": [2, 4], "encoder": [1, 1], "decoder": [1]})
    graph, start = graph_of(net.eval(), "logits")
    free: list[int | str] = ["n", 1, "k", "j", "i"]
    raw = graph.write((start, free), ("logits", ["n", 2, "k", "j", "i"]), {})
    (tmp_path / "net.onnx").write_bytes(raw)
    image = torch.randn(1, 1, 8, 8, 8)
    with torch.inference_mode():
        own = as_net(tmp_path / "net.onnx", tmp_path / "w.safetensors")(image)
        torch.testing.assert_close(own, net(image), atol=1e-5, rtol=0)


def _answers(
    make: Callable[[Graph], str], path: Path, outputs: list[int | str], opset: int = 17
) -> tuple[np.ndarray, np.ndarray]:
    """Ours and onnxruntime's, of a graph for a picture of 6 x 4. Raises ModelUnavailable."""
    import onnxruntime

    raw = written(make, path / "net.onnx", outputs)
    (path / "net.onnx").write_bytes(raw[:-1] + bytes([opset]))
    net = as_net(path / "net.onnx", path / "w.safetensors")
    image = np.random.default_rng(1).normal(size=(1, 1, 6, 4)).astype("f4")
    with torch.inference_mode():
        own = net(torch.from_numpy(image)).numpy()
    raw = (path / "net.onnx").read_bytes()
    session = onnxruntime.InferenceSession(raw, providers=["CPUExecutionProvider"])
    return own, session.run(None, {"image": image})[0]


def _wide(graph: Graph) -> str:
    """The picture in four channels."""
    return graph.add("Conv", ["image", weight(graph, "w", 4, 1, 1, 1)], "c", kernel_shape=[1, 1])


def _resized(scale: int, **settings: bytes) -> Callable[[Graph], str]:
    def make(graph: Graph) -> str:
        graph.weights["s"] = np.array([1, 1, scale, scale], np.float32)
        return graph.add("Resize", ["image", "", "s"], "logits", **settings)

    return make


def _near(scale: int, place: bytes = b"", near: bytes = b"") -> Callable[[Graph], str]:
    given = {"coordinate_transformation_mode": place, "nearest_mode": near}
    return _resized(scale, **{name: value for name, value in given.items() if value})


ROUND, FLOOR = b"round_prefer_floor", b"floor"


@pytest.mark.parametrize("make", [
    _near(3), _near(3, b"half_pixel", ROUND), _near(3, b"asymmetric", FLOOR),
    _near(2, b"asymmetric"), _resized(3, mode=b"linear"),
])  # fmt: skip
def test_a_resize_reads_the_places_that_another_runtime_reads(
    make: Callable[[Graph], str], tmp_path: Path
) -> None:
    own, theirs = _answers(make, tmp_path, ["n", 1, "r", "c"])
    np.testing.assert_allclose(own, theirs, atol=1e-6)


def _soft(**settings: int) -> Callable[[Graph], str]:
    return lambda graph: graph.add("Softmax", [_wide(graph)], "logits", **settings)


def _soft_scores(**settings: int) -> Callable[[Graph], str]:
    def make(graph: Graph) -> str:
        graph.add("GlobalAveragePool", [_wide(graph)], "m")
        graph.add("Flatten", ["m"], "f", axis=1)
        return graph.add("Softmax", ["f"], "logits", **settings)

    return make


def _bent(*shape: int, is_flat: bool = False) -> Callable[[Graph], str]:
    def make(graph: Graph) -> str:
        end = _wide(graph)
        if is_flat:
            end = graph.add("Flatten", [graph.add("GlobalAveragePool", [end], "m")], "f", axis=1)
        return graph.add("PRelu", [end, weight(graph, "slope", *shape)], "logits")

    return make


def _pooled(graph: Graph) -> str:
    """A pooled picture added to every place of it, and pooled again."""
    end = graph.add("Add", [_wide(graph), graph.add("GlobalAveragePool", ["c"], "m")], "a")
    return graph.add("ReduceMean", [end], "logits", axes=[2, 3], keepdims=0)


@pytest.mark.parametrize(("make", "outputs"), [
    (_soft(axis=1), ["n", 4, "r", "c"]), (_soft_scores(), ["n", 4]),
    (_soft_scores(axis=-1), ["n", 4]), (_bent(4, 1, 1), ["n", 4, "r", "c"]),
    (_bent(1), ["n", 4, "r", "c"]), (_bent(4, is_flat=True), ["n", 4]), (_pooled, ["n", 4]),
])  # fmt: skip
def test_axes_are_those_of_another_runtime(
    make: Callable[[Graph], str], outputs: list[int | str], tmp_path: Path
) -> None:
    own, theirs = _answers(make, tmp_path, outputs)
    np.testing.assert_allclose(own, theirs, atol=1e-6)


def test_a_graph_that_ends_with_a_pooled_picture_gives_scores(tmp_path: Path) -> None:
    def make(graph: Graph) -> str:
        return graph.add("GlobalAveragePool", [_wide(graph)], "logits")

    own, theirs = _answers(make, tmp_path, ["n", 4, 1, 1])
    np.testing.assert_allclose(own, theirs[:, :, 0, 0], atol=1e-6)


def _unflattened(graph: Graph) -> str:
    pooled = graph.add("GlobalAveragePool", [_wide(graph)], "m")
    return graph.add("Gemm", [pooled, weight(graph, "g", 3, 4)], "logits", transB=1)


@pytest.mark.parametrize(("make", "opset", "words"), [
    (_near(3, b"asymmetric"), 17, r"Resize, nearest\+asymmetric\+round_prefer_floor, 3"),
    (_near(2, b"half_pixel", FLOOR), 17, "Resize, nearest"), (_near(2, near=FLOOR), 17, "Resize"),
    (_resized(2, mode=b"linear", coordinate_transformation_mode=b"align_corners"), 17, "corners"),
    (_soft(), 17, "Softmax, axis -1"), (_soft(axis=1), 11, "Softmax, axis 1, opset 11"),
    (_bent(4), 17, r"PRelu, slope \[4\]"), (_bent(4, 1, 1, is_flat=True), 17, "PRelu, slope"),
    (_unflattened, 17, "uses Gemm, m"),
])  # fmt: skip
def test_settings_that_would_answer_otherwise_are_refused(
    make: Callable[[Graph], str], opset: int, words: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelUnavailable, match=words):
        _answers(make, tmp_path, ["n", 4], opset)


@pytest.mark.parametrize("nodes", [b"\x0a\x00" * 10_001, b"\x0a\x02\x2a\x00" * 10_001])
def test_a_file_of_nothing_but_nodes_is_put_down_early(nodes: bytes, tmp_path: Path) -> None:
    from medview.ai.worker.onnx_file import _bytes
    from medview.ai.worker.onnx_reader import read_onnx_file

    (tmp_path / "net.onnx").write_bytes(_bytes(7, nodes))
    with pytest.raises(ModelUnavailable, match="no sound ONNX"):
        read_onnx_file(tmp_path / "net.onnx")
    (tmp_path / "net.onnx").write_bytes(_bytes(7, _bytes(1, b"\x2a\x00" * 50_001)))
    with pytest.raises(ModelUnavailable, match="no sound ONNX"):
        read_onnx_file(tmp_path / "net.onnx")


def test_sizes_divide_along_each_axis_by_what_the_strides_there_ask_for() -> None:
    from medview.ai.worker.budget import cost_of

    rest = "dilation=1,1,1 groups=1 bias=0"
    net = build_graph(dims=3, nodes=[
        f"a = conv image inputs=1 outputs=2 kernel=3,3,3 stride=4,3,1 pad=1,1,1 {rest}",
        f"u = up a inputs=2 outputs=1 kernel=4,3,1 stride=4,3,1 pad=0,0,0 more=0,0,0 {rest}",
        "p = max_pool image kernel=2,2,1 stride=2,2,1 pad=0,0,0",
        "r = resize p scale=2,2,1 mode=nearest",
        "z = concat u,image,r",
    ])  # fmt: skip

    assert net.multiples == (4, 6, 1)
    assert cost_of(net, (12, 12, 12)).classes == 3


@pytest.mark.parametrize(("stem", "name"), [
    ("Lung_Seg v2", "lung-seg-v2-onnx"), ("n" * 90, "n" * 59 + "-onnx"),
])  # fmt: skip
def test_a_file_s_name_becomes_one_that_a_folder_may_have(
    stem: str, name: str, tmp_path: Path
) -> None:
    from medview.ai.importers.onnx import OnnxPair, read_onnx, with_graph
    from medview.ai.schema import check_description

    (tmp_path / "about.json").write_text(json.dumps(ABOUT), encoding="utf-8")
    foreign = read_onnx(OnnxPair(tmp_path / f"{stem}.onnx", tmp_path / "about.json"), Wish())
    described = with_graph(foreign, {"dims": 2, "nodes": ["a = relu image"]}).description

    check_description(described)
    assert described["name"] == name


def test_a_neighbour_about_something_else_is_passed_over(tmp_path: Path) -> None:
    from medview.ai.importers.onnx import find_onnx, read_onnx, with_graph

    (tmp_path / "net.onnx").write_bytes(b"")
    (tmp_path / "metadata.json").write_text('{"name": "a data set"}', encoding="utf-8")
    pair = find_onnx(tmp_path / "net.onnx")
    assert pair is not None
    graph = {"dims": 2, "nodes": ["a = relu image"], "description": json.dumps(ABOUT)}
    assert with_graph(read_onnx(pair, Wish()), graph).description["title"] == "Bright places"
