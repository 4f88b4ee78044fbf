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
    assert (net.is_flat, net.multiple) == (is_flat, multiple)
    if not is_flat:  # a series is looked at plane by plane
        volume = torch.from_numpy(image.transpose(1, 0, 2, 3)[None])
        with torch.inference_mode():
            slices = SliceBySlice(net)(volume).numpy()[0].transpose(1, 0, 2, 3)
        np.testing.assert_allclose(slices, own, atol=1e-6)


def labels_of(model: ModelFolder, case: Path) -> dict[str, np.ndarray]:
    from medview.ai.selftest import read_arrays
    from medview.ai.worker.selftest import _answer

    return dict(_answer(model, read_arrays(case)))


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
    for key in ("labels", "scores"):
        assert (key in own) == (key in wanted)
        if key in own:
            np.testing.assert_allclose(own[key], wanted[key], atol=1e-5)


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
