"""What a report shows of a series and says of a model's masks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from medview.core.results import Finding, Label, LabelMap, ModelRef, ModelRun, Quantity
from medview.session import Session
from medview.session.reporting import report_content, session_subject


def test_report_leaves_out_hidden_masks_and_says_nothing_twice(
    session: Session, ct_folder: Callable[..., Path]
) -> None:
    session.open([ct_folder()])
    place = session.active
    assert place is not None
    geometry = place.stack.geometry
    labels = (
        Label(value=1, name="right lung", colour="#56b4e9"),
        Label(value=2, name="rest of the body", colour="#e69f00", hidden=True),
    )
    share = Quantity(concept="emphysema_share", value=2.6, unit="%")
    findings = (
        Finding(id="1", kind="measurement", label="right lung", label_value=1, volume_mm3=2e6),
        Finding(id="2", kind="measurement", label="rest of the body", label_value=2),
        Finding(id="3", kind="measurement", label="Lung below -950 HU", measurements=(share,)),
    )
    masks = LabelMap(
        id="masks", geometry=geometry, voxels=np.ones(geometry.shape, np.uint8), labels=labels
    )
    model = ModelRef(name="m", version="1", manifest_sha256="0" * 64)
    run = ModelRun(
        id="run", model=model, series_uid=place.key[0], stack=place.key[1], status="run",
        findings=findings, label_map=masks,
    )  # fmt: skip
    session.made.keep_run(place, run)
    subject = session_subject(session)
    assert subject is not None

    lung, emphysema = report_content(subject).unconfirmed

    assert lung.title == "right lung"
    assert emphysema.title == "Lung below -950 HU"
    assert emphysema.details == ("2.6 %",)


@pytest.mark.parametrize(("slices", "captions"), [(5, ["3 / 5", "9 / 16"]), (2, ["2 / 2"])])
def test_picture_across_a_thin_stack_is_left_out(
    session: Session, ct_folder: Callable[..., Path], slices: int, captions: list[str]
) -> None:
    """Two slices seen from the side are a strip that shows nothing."""
    session.open([ct_folder(slices=slices)])
    subject = session_subject(session)
    assert subject is not None

    images = report_content(subject).images

    assert [image.caption for image in images] == [f"Lung · {each}" for each in captions]


def test_picture_with_a_mask_that_was_rejected_is_not_called_confirmed(
    session: Session, ct_folder: Callable[..., Path]
) -> None:
    session.open([ct_folder(slices=2)])
    place = session.active
    assert place is not None
    geometry = place.stack.geometry
    masks = LabelMap(
        id="masks", geometry=geometry, voxels=np.ones(geometry.shape, np.uint8),
        labels=(Label(value=1, name="right lung", colour="#56b4e9"),),
    )  # fmt: skip
    run = ModelRun(
        id="run", model=ModelRef(name="m", version="1", manifest_sha256="0" * 64),
        series_uid=place.key[0], stack=place.key[1], status="run", label_map=masks,
        findings=tuple(Finding(id=n, kind="segmentation", label=n) for n in ("right", "left")),
    )  # fmt: skip
    session.made.keep_run(place, run)

    def caption() -> str:
        subject = session_subject(session)
        assert subject is not None
        return report_content(subject).images[0].caption

    session.made.decide("right", "accepted")
    session.made.decide("left", "rejected")
    assert caption().endswith("AI, UNCONFIRMED")
    session.made.decide("left", "accepted")
    assert caption() == "Lung · 2 / 2"
