"""The ground floor: geometry, words, codec, settings, log, shared memory."""

from __future__ import annotations

import json
import logging
import os
import stat
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medview.core import settings as settings_module
from medview.core.codec import from_plain, to_plain
from medview.core.errors import GeometryError, MedViewError
from medview.core.geometry import Geometry, PatientPoint, VoxelIndex
from medview.core.log import anonymous_ref, start_log
from medview.core.observation import Observation, Source, concepts
from medview.core.paths import user_config_dir, user_log_dir
from medview.core.results import Measurement, Quantity
from medview.core.shared import SharedBlock, sweep_stale_blocks
from medview.core.words import Sentence, say, set_language, tr

SHEARED = Geometry(
    shape=(20, 30, 40),
    spacing=(0.5, 0.8, 2.5),
    origin=PatientPoint(-100, 20, -300),
    axes=((1, 0, 0), (0, 0.96, -0.28), (0, 0, 1)),
)


@given(st.tuples(*[st.floats(-500, 500)] * 3))
def test_index_to_patient_and_back_is_identity(place: tuple[float, float, float]) -> None:
    index = VoxelIndex(*place)

    assert SHEARED.to_index(SHEARED.to_patient(index)) == pytest.approx(index, abs=1e-9)


def test_arrays_of_indices_agree_with_single_ones() -> None:
    indices = np.array([[0, 0, 0], [3, 5, 7]])

    points = SHEARED.to_patient_array(indices)

    assert points[1] == pytest.approx(SHEARED.to_patient(VoxelIndex(3, 5, 7)))
    assert SHEARED.to_index_array(points) == pytest.approx(indices)


def test_slice_step_of_a_tilted_stack_is_measured_along_the_normal() -> None:
    # 2.5 mm along the table, slices tilted by asin(0.28): 2.5 * 0.96 between the slices.
    assert SHEARED.slice_step == pytest.approx(2.4)
    assert SHEARED.voxel_mm3 == pytest.approx(0.5 * 0.8 * 2.4)


def test_a_grid_without_size_is_refused() -> None:
    with pytest.raises(GeometryError):
        Geometry(shape=(0, 2, 2))


def test_a_sentence_changes_language_after_it_was_said() -> None:
    sentence = say("Cancelled.")

    set_language("zh_CN")

    assert str(sentence) != "Cancelled."
    assert sentence.english() == "Cancelled."


def test_a_sentence_survives_json_with_a_sentence_inside() -> None:
    sentence = say("{a} and {b}", a=say("one"), b=2)

    assert Sentence.from_json(json.loads(json.dumps(sentence.to_json()))) == sentence


def test_an_error_says_what_where_and_what_to_do() -> None:
    error = MedViewError(say("It broke."), "here", say("Mend it."))

    assert error.sentence() == "It broke: here. Mend it."


def test_values_come_back_from_plain_json() -> None:
    measurement = Measurement(
        id="m1",
        kind="length",
        series_uid="1.2",
        stack=0,
        points=(PatientPoint(1, 2, 3), PatientPoint(4, 5, 6)),
        normal=(0, 0, 1),
        quantities=(Quantity(concept="length", value=5.2, unit="mm", interval=(5.0, 5.4)),),
    )
    observation = Observation(
        patient_id="x", concept="diabetes", value=True, source=Source(kind="reader")
    )

    for value in (measurement, observation):
        again = from_plain(type(value), json.loads(json.dumps(to_plain(value))))
        assert again == value
        assert type(getattr(again, "value", None)) is type(getattr(value, "value", None))


def test_plain_data_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="Observation"):
        from_plain(Observation, {"patient_id": "x", "value": []})


def test_settings_come_back_and_broken_ones_fall_back() -> None:
    settings = settings_module.Settings(language="zh_CN", volume_budget_mb=512)
    settings_module.save_settings(settings)
    path = user_config_dir() / "settings.json"

    assert settings_module.load_settings() == settings
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text('{"language": 7, "layout": "1x1", "strange": 1}')
    assert settings_module.load_settings() == settings_module.Settings(layout="1x1")
    path.write_text(
        '{"cine_rate": 100000000000000000000, "volume_budget_mb": -1, "reader_name": "\\ud800",'
        ' "nodes": {"a": 7}, "stale_days": {"inr": 3}, "overlay_visible": 1}'
    )
    assert settings_module.load_settings() == settings_module.Settings(stale_days={"inr": 3})
    for broken in ("{", "[" * 200_000, '{"nodes": ' * 50_000):
        path.write_text(broken)
        assert settings_module.load_settings() == settings_module.Settings()
    path.write_text("{")
    assert settings_module.load_settings() == settings_module.Settings()


def test_the_log_keeps_no_words_of_an_exception() -> None:
    start_log()
    log = logging.getLogger("medview.test")
    try:
        raise ValueError("MARKED^NAME in (0010,0010)")
    except ValueError:
        log.exception("instance skipped", extra={"ref": anonymous_ref("1.2.3.4")})

    text = (user_log_dir() / "medview.log").read_text()

    assert "instance skipped" in text
    assert "ValueError" in text
    assert "MARKED" not in text
    assert "1.2.3.4" not in text


def test_a_block_is_seen_by_another_process_and_stays_when_that_ends() -> None:
    block = SharedBlock.create(16)
    block.array((4,), np.int32)[:] = [1, 2, 3, 4]
    code = (
        "import sys, numpy as np; from medview.core.shared import SharedBlock;"
        "print(SharedBlock.attach(sys.argv[1]).array((4,), np.int32).sum())"
    )

    said = subprocess.run(
        [sys.executable, "-c", code, block.name], capture_output=True, text=True, check=True
    )

    assert said.stdout.strip() == "10"
    assert said.stderr == ""
    assert SharedBlock.attach(block.name).array((4,), np.int32)[3] == 4
    block.release()
    with pytest.raises(MedViewError):
        SharedBlock.attach(block.name)


def test_blocks_of_a_killed_process_are_swept_and_living_ones_stay() -> None:
    mine = SharedBlock.create(8)
    code = (
        "import os, signal; from medview.core.shared import SharedBlock;"
        "b = SharedBlock.create(8); print(b.name, flush=True);"
        "os.kill(os.getppid() * 0 + os.getpid(), signal.SIGSTOP)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as child:
        assert child.stdout is not None
        orphan = child.stdout.readline().strip()
        # The tracker of the child would tidy up after it: end both, as a power cut does.
        os.killpg(child.pid, 9)

    sweep_stale_blocks()

    with pytest.raises(MedViewError):
        SharedBlock.attach(orphan)
    assert SharedBlock.attach(mine.name)
    mine.release()


def test_every_concept_has_a_title_and_a_known_kind() -> None:
    for concept in concepts().values():
        assert concept.title
        assert concept.kind in {"number", "pair", "yes-no", "choice", "text"}
        assert concept.kind != "number" or concept.plausible


def test_creatinine_in_micromoles_becomes_milligrams() -> None:
    # 113.12 g/mol: 88.40 umol/L is 1 mg/dL
    own = concepts()["creatinine"].to_own_unit(1e4 / 113.12, "umol/L")
    assert own == pytest.approx(1.0, rel=1e-4)
    assert concepts()["creatinine"].to_own_unit(1.0, "furlong") is None


def test_tr_is_said_in_the_current_language() -> None:
    assert tr("Cancelled.") == "Cancelled."
