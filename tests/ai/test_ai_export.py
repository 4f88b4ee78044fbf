"""Networks handed on: ONNX that another runtime answers alike, bundles without code, and back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import ai_nnunet_made as made
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from medview.ai.catalogue import read_catalogue
from medview.ai.exporting import export_model
from medview.ai.folder import write_manifest
from medview.ai.importers import Wish, imported, is_foreign
from medview.ai.importers.bundle import read_bundle
from medview.ai.worker.exporting import export
from medview.ai.worker.nets import build_net
from medview.ai.worker.onnx_graph import graph_of
from medview.cli.main import main
from medview.core.errors import InvalidInput, ModelUnavailable
from medview.core.paths import shipped_models_dir
from medview.core.progress import CancelToken

NETS = {
    "unet3d": ({"outputs": 3, "widths": [4, 8], "encoder": [1, 2], "decoder": [1]}, (8, 12, 10)),
    "resnet2d": ({"outputs": 2, "widths": [8, 16], "blocks": [1, 2]}, (40, 32)),
    "nnunet_plain": ({**made.ARGS, "counts": [1, 2, 2]}, (8, 16, 12)),
    "nnunet_resenc": ({**made.ARGS, "counts": [1, 2, 2]}, (8, 16, 12)),
}


def answer(raw: bytes, image: np.ndarray) -> np.ndarray:
    import onnxruntime

    session = onnxruntime.InferenceSession(raw, providers=["CPUExecutionProvider"])
    assert [one.name for one in session.get_inputs()] == ["image"]
    found: np.ndarray = session.run(["logits"], {"image": image})[0]
    return found


@pytest.mark.parametrize("arch", sorted(NETS))
def test_onnx_answers_as_the_network_does(arch: str) -> None:
    args, shape = NETS[arch]
    torch.manual_seed(2)
    net = build_net(arch, args).eval()
    graph, start = graph_of(net, "logits")
    sizes = [f"n{n}" for n in range(len(shape))]
    last = [] if arch == "resnet2d" else sizes
    raw = graph.write((start, ["b", 1, *sizes]), ("logits", ["b", args["outputs"], *last]), {})
    image = torch.randn(1, 1, *shape)
    with torch.inference_mode():
        wanted = net(image).numpy()

    np.testing.assert_allclose(answer(raw, image.numpy()), wanted, atol=2e-5)


def test_shipped_model_goes_out_with_what_stands_around_its_net(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import onnxruntime

    target = tmp_path / "out" / "h.onnx"
    assert main(["models", "export", "hippocampus", "--to", "onnx", "--out", str(target)]) == 0
    assert str(target) in capsys.readouterr().out
    session = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    about = session.get_modelmeta().custom_metadata_map
    model = read_catalogue().get("hippocampus")

    assert json.loads(about["medview.description"]) == model.description
    assert next(step["op"] for step in json.loads(about["preprocessing"])) == "orient"
    assert about["medview.manifest_sha256"] == model.manifest_sha256
    assert [path.name for path in target.parent.iterdir()] == ["h.onnx"]
    with pytest.raises(InvalidInput):  # nothing is replaced
        export_model(model, "onnx", target, CancelToken())


def test_models_without_one_plain_network_are_refused(tmp_path: Path) -> None:
    for name, words in (("lungs", "one network"), ("nodule", "without a form in ONNX")):
        with pytest.raises(ModelUnavailable, match=words):
            export(str(shipped_models_dir() / name), str(tmp_path / "x"), "onnx")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    export(str(shipped_models_dir() / "hippocampus"), str(tmp_path / "bundle"), "monai")
    return tmp_path / "bundle"


def test_bundle_holds_no_code_and_its_tables_agree(bundle: Path) -> None:
    inference = (bundle / "configs" / "inference.json").read_text(encoding="utf-8")
    metadata = json.loads((bundle / "configs" / "metadata.json").read_text(encoding="utf-8"))

    assert not re.search(r'"\$', inference)
    assert metadata["network_data_format"]["outputs"]["pred"]["num_channels"] == 3
    weights = torch.load(bundle / "models" / "model.pt", weights_only=True)
    net = build_net("unet3d", {k: v for k, v in json.loads(inference)["network_def"].items()
                               if k != "_target_"})  # fmt: skip
    net.load_state_dict(weights)


def test_bundle_that_went_out_comes_back(bundle: Path) -> None:
    assert is_foreign(bundle)
    with imported(bundle, Wish(name="again")) as model:
        assert model.name == "again"
        assert [label.name for label in model.outputs] == [
            label.name for label in read_catalogue().get("hippocampus").outputs
        ]


@pytest.mark.parametrize(("changes", "words"), [
    ({"device": "$torch.device('cuda:0')"}, "code to be run at device"),
    ({"network_def": {"_target_": "monai.networks.nets.SegResNet"}},
     "monai.networks.nets.SegResNet at network_def::_target_"),
    ({"preprocessing": {"_target_": "Compose", "transforms": []}}, "Compose at preprocessing"),
    ({"network_def": "UNet"}, "at network_def"),
    ({"network_def": {"_target_": {}}}, "at network_def"),
])  # fmt: skip
def test_bundle_that_is_not_plain_names_the_key(
    bundle: Path, changes: dict[str, object], words: str
) -> None:
    path = bundle / "configs" / "inference.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}), encoding="utf-8")

    with pytest.raises(ModelUnavailable) as caught:
        read_bundle(bundle, Wish())
    assert words in caught.value.sentence()


@pytest.mark.parametrize("pipeline", [["network"], {}, None])
def test_bundle_whose_description_is_none_is_refused(bundle: Path, pipeline: object) -> None:
    path = bundle / "configs" / "metadata.json"
    document = json.loads(path.read_text())
    document["medview"]["description"]["pipeline"] = pipeline
    path.write_text(json.dumps(document), encoding="utf-8")

    with pytest.raises(ModelUnavailable):
        read_bundle(bundle, Wish())


def test_weights_of_another_dtype_are_refused(changed: Callable[..., Path]) -> None:
    args, _ = NETS["resnet2d"]
    own = build_net("resnet2d", args).state_dict()
    weights = {name: value.contiguous() for name, value in own.items()}
    weights["head.bias"] = weights["head.bias"].to(torch.int32)
    step = {"op": "network", "arch": "resnet2d", "weights": "weights.safetensors", "args": args}
    folder = changed(name="other", pipeline=[step])
    save_file(weights, folder / "weights.safetensors")
    write_manifest(folder)

    from medview.ai.folder import open_folder
    from medview.ai.worker.check import check_networks

    with pytest.raises(ModelUnavailable, match="another kind of number"):
        check_networks(open_folder(folder))
