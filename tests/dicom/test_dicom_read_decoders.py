"""Decoder processes: their death costs one picture; the window and the other pictures go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from dicom_read_cases import save_packed

from medview.core.errors import UnreadableInstance
from medview.dicom import VolumeFill, decoder_pipe, decoders, scan
from medview.dicom.codecs import JPEG_LOSSLESS, decode
from medview.dicom.decoders import Decoders, _Decoder, runs_apart
from medview.dicom.pixel_format import PixelFormat

JPEG_LS, JPEG_2000, RLE = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.5"
posix = pytest.mark.skipif(os.name != "posix", reason="signals that stop a process")


def format_of(pixels: np.ndarray, **changes: object) -> PixelFormat:
    """What a true header would say of these pixels."""
    bits = 8 * pixels.dtype.itemsize
    said = {
        "rows": pixels.shape[0], "columns": pixels.shape[1], "frames": 1, "samples": 1,
        "bits_allocated": bits, "bits_stored": bits, "high_bit": bits - 1, "is_signed": False,
        "is_planar": False, "photometric": "MONOCHROME2",
    }  # fmt: skip
    return PixelFormat(**{**said, **changes})  # type: ignore[arg-type]


@pytest.fixture
def pool():
    """Two processes of this test's own."""
    made = Decoders(2)
    yield made
    made.close()


def test_pictures_that_native_code_decodes_are_decoded_elsewhere() -> None:
    assert [runs_apart(syntax) for syntax in (JPEG_LS, JPEG_2000, RLE)] == [True, True, False]


def test_a_decoder_process_gives_the_same_values(pool: Decoders) -> None:
    pixels = np.arange(12 * 9, dtype=np.uint16).reshape(12, 9) * 37
    stream = bytes(imagecodecs.jpegls_encode(pixels))
    assert (pool.decode(JPEG_LS, stream, format_of(pixels)).values == pixels).all()
    (pid,) = pool.pids
    assert pid != os.getpid()


def test_a_damaged_stream_is_refused_and_the_process_lives_on(pool: Decoders) -> None:
    pixels = np.full((16, 16), 700, np.uint16)
    stream = bytes(imagecodecs.jpegls_encode(pixels))
    with pytest.raises(UnreadableInstance, match="damaged"):
        pool.decode(JPEG_LS, stream[:-12] + bytes(12), format_of(pixels))
    before = pool.pids
    assert (pool.decode(JPEG_LS, stream, format_of(pixels)).values == 700).all()
    assert pool.pids == before


def test_values_too_large_for_the_type_that_the_header_names_are_refused(pool: Decoders) -> None:
    pixels = np.full((8, 8), 700, np.uint16)
    stream = bytes(imagecodecs.jpegls_encode(pixels))
    said = format_of(pixels, bits_allocated=8, bits_stored=8, high_bit=7)
    with pytest.raises(UnreadableInstance, match="header says"):
        pool.decode(JPEG_LS, stream, said)


@posix
def test_an_answer_that_nobody_waited_for_is_not_taken_for_the_next_picture_s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pool = Decoders(1)
    broken_off = [KeyboardInterrupt(), MemoryError()]

    def receive(pipe: object) -> object:
        if broken_off:
            raise broken_off.pop()
        return decoder_pipe.receive(pipe)  # type: ignore[arg-type]

    monkeypatch.setattr("medview.dicom.decoders.receive", receive)
    for value, error in ((100, MemoryError), (200, KeyboardInterrupt)):
        pixels = np.full((16, 16), value, np.uint16)
        with pytest.raises(error):
            pool.decode(JPEG_LS, bytes(imagecodecs.jpegls_encode(pixels)), format_of(pixels))
    for value in (300, 400):
        pixels = np.full((16, 16), value, np.uint16)
        stream = bytes(imagecodecs.jpegls_encode(pixels))
        assert (pool.decode(JPEG_LS, stream, format_of(pixels)).values == value).all()
    pool.close()


def test_a_decoder_killed_while_it_decodes_costs_its_picture_alone(pool: Decoders) -> None:
    pixels = np.full((8, 8), 700, np.uint16)
    stream, form = bytes(imagecodecs.jpegls_encode(pixels)), format_of(pixels)
    pool.decode(JPEG_LS, stream, form)
    (pid,) = pool.pids
    os.kill(pid, signal.SIGSTOP)  # it has taken the picture and is in the middle of it
    killer = threading.Timer(0.2, os.kill, (pid, signal.SIGKILL))
    killer.start()
    with pytest.raises(UnreadableInstance, match="ended unexpectedly"):
        pool.decode(JPEG_LS, stream, form)
    assert (pool.decode(JPEG_LS, stream, form).values == 700).all()
    assert pid not in pool.pids


@posix
def test_a_decoder_that_never_ends_is_ended(
    pool: Decoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = np.full((8, 8), 700, np.uint16)
    stream, form = bytes(imagecodecs.jpegls_encode(pixels)), format_of(pixels)
    pool.decode(JPEG_LS, stream, form)
    monkeypatch.setattr("medview.dicom.decoders._PATIENCE_S", 0.1)
    os.kill(pool.pids[0], signal.SIGSTOP)
    with pytest.raises(UnreadableInstance, match="busy without end"):
        pool.decode(JPEG_LS, stream, form)


@posix
def test_a_series_goes_on_when_all_its_decoders_are_killed(tmp_path: Path) -> None:
    save_packed(tmp_path, count=12)
    stack = scan([tmp_path]).patients[0].studies[0].series[0].stacks[0]
    fill = VolumeFill(stack)
    killed: list[int] = []

    def kill_once(_k: int) -> None:
        if not killed:
            killed.extend(decoders.decoders().pids)
            for pid in killed:
                os.kill(pid, signal.SIGKILL)

    fill.run(first=0, on_slice=kill_once)
    assert killed
    assert len(fill.failed) <= len(killed)
    for k in range(12):
        expected = 0 if k in fill.failed else 100 * k + 7
        assert (fill.volume.stored[k] == expected).all()


@posix
def test_a_process_that_was_killed_between_two_pictures_costs_none(pool: Decoders) -> None:
    pixels = np.full((8, 8), 9, np.uint16)
    stream, form = bytes(imagecodecs.jpegls_encode(pixels)), format_of(pixels)
    pool.decode(JPEG_LS, stream, form)
    (pid,) = pool.pids
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert (pool.decode(JPEG_LS, stream, form).values == 9).all()


@posix
def test_decoders_end_when_the_program_is_killed() -> None:
    code = (
        "import time; from medview.dicom.decoders import Decoders; d = Decoders(1); d.start();"
        "print(*d.pids, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        pid = int(program.stdout.readline())
        program.kill()
    end = time.monotonic() + 10
    while _lives(pid) and time.monotonic() < end:
        time.sleep(0.05)
    assert not _lives(pid)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")  # where nobody waits for orphans they stay as zombies
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_decoder_process_knows_no_window_and_no_network_of_torch() -> None:
    code = "import medview.dicom.decoder, sys; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert not {"PySide6", "vtkmodules", "torch", "SimpleITK"} & set(found.stdout.split())


def test_a_process_that_cannot_be_started_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(UnreadableInstance, match="could not be started"):
        _Decoder().start()


def _lossless_jpeg(pixels: np.ndarray, predictor: int = 1) -> bytes:
    bits = 8 * pixels.dtype.itemsize
    return bytes(
        imagecodecs.jpeg8_encode(pixels, lossless=True, predictor=predictor, bitspersample=bits)
    )


@pytest.mark.parametrize("predictor", range(1, 8))
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_lossless_jpeg_that_ends_too_early_is_refused(predictor: int, dtype: type) -> None:
    pixels = np.random.default_rng(predictor).integers(0, np.iinfo(dtype).max, (64, 64), dtype)
    stream, form = _lossless_jpeg(pixels, predictor), format_of(pixels)
    assert (decode(JPEG_LOSSLESS, stream, form).values == pixels).all()
    for short in (stream[:-900], stream[:2000] + stream[2900:]):
        with pytest.raises(UnreadableInstance, match="damaged"):
            decode(JPEG_LOSSLESS, short, form)


@pytest.mark.parametrize("shape", [(40, 30), (40, 30, 3)])
def test_lossless_jpeg_that_ends_in_middle_grey_is_shown(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(4).integers(0, 255, shape, np.uint8)
    pixels[-9:] = 128  # what a stream that ends too early would be filled with
    form = format_of(pixels, samples=pixels[0, 0].size, photometric="RGB")
    assert (decode(JPEG_LOSSLESS, _lossless_jpeg(pixels), form).values == pixels).all()


def test_lossy_jpeg_that_is_called_lossless_is_shown_though_it_ends_in_middle_grey() -> None:
    pixels = np.full((40, 30), 128, np.uint8)
    stream = bytes(imagecodecs.jpeg8_encode(pixels))
    assert (decode(JPEG_LOSSLESS, stream, format_of(pixels)).values == pixels).all()
