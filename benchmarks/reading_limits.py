"""What reading may not exceed: memory (B6), delays of the window's thread (B8), linear growth."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from benchmarks.made_series import LS, PLAIN, series
from benchmarks.pairs import Goal, Row, in_units
from medview.core.shared import allow_spare, wait_for_spare
from medview.dicom import VolumeFill, scan

_TICK_MS, _BEATS_S = 4.0, 4.0
_P99_MS, _MOST_MS = 8.0, 16.0
_GROWTH = 4.6
_SIZES = (250, 500, 1000, 2000, 4000)


def read_all(folder: Path) -> VolumeFill:
    """Scan a folder and fill the volume of its one series, as the window does."""
    fill = VolumeFill(scan([folder]).patients[0].studies[0].series[0].stacks[0])
    fill.run()
    return fill


def memory(name: str, count: int) -> Row:
    """The greatest growth of memory while a series is read, over the volume's own size."""
    command = [sys.executable, "-m", "benchmarks.reading_limits", str(series(PLAIN, count))]
    told = subprocess.run(command, capture_output=True, check=True, text=True)
    grown, volume = json.loads(told.stdout)
    goal = Goal(name=name, what="growth of memory over the volume's size", n=count)
    return in_units(goal, grown / volume, 1.05, "x")


def _taken() -> int:
    """Bytes of this process alone and of its blocks, whether they are mapped or not."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    own = next(int(line.split()[1]) << 10 for line in status.splitlines() if "RssAnon" in line)
    held: dict[int, int] = {}
    for file in Path("/proc/self/fd").iterdir():  # blocks have no name that others would find
        with suppress(OSError):
            status = file.stat()
            if str(file.readlink()).startswith("/dev/shm/"):  # noqa: S108
                held[status.st_ino] = status.st_blocks * 512
    return own + sum(held.values())


def _grow(folder: Path) -> None:
    """Print how much memory grew at most while the folder was read, and the volume's size."""
    read_all(series(PLAIN, 4, 64))  # imports, tables and threads are no part of the volume
    before, most, is_over = _taken(), [0], threading.Event()

    def watch() -> None:
        while not is_over.wait(0.002):
            most[0] = max(most[0], _taken())

    watcher = threading.Thread(target=watch)
    watcher.start()
    fill = read_all(folder)
    is_over.set()
    watcher.join()
    print(json.dumps([max(most[0], _taken()) - before, fill.volume.stored.nbytes]))


def beat(name: str, what: str, syntax: str, count: int) -> Row:
    """How late a 4 ms timer in the window's thread is while a series is read again and again."""
    from PySide6.QtCore import QCoreApplication, Qt, QTimer

    from medview.gui.collector import Collector

    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QCoreApplication.instance() or QCoreApplication([])
    folder, is_over = series(syntax, count), threading.Event()
    collector = Collector(application)  # as the window has it
    allow_spare(1 << 30)
    del_me = read_all(folder)
    del del_me

    def load() -> None:
        while not is_over.is_set():
            wait_for_spare(1)
            fill = read_all(folder)
            del fill

    late: list[float] = []
    last = time.perf_counter()

    def tick() -> None:
        nonlocal last
        now = time.perf_counter()
        late.append(max(0.0, (now - last) * 1000 - _TICK_MS))
        last = now

    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(tick)
    loader = threading.Thread(target=load)
    loader.start()
    timer.start(int(_TICK_MS))
    QTimer.singleShot(int(_BEATS_S * 1000), application.quit)
    application.exec()  # Qt's own loop: it holds the interpreter's lock in `tick` alone
    timer.stop()
    collector.stop()
    is_over.set()
    loader.join()
    allow_spare(0)
    late.sort()
    p99, most = late[int(len(late) * 0.99)], late[-1]
    row = in_units(Goal(name=name, what=what, n=count), p99, _P99_MS, "ms")
    holds = p99 <= _P99_MS and most <= _MOST_MS
    ratio = round(min(_P99_MS / max(p99, 1e-9), _MOST_MS / max(most, 1e-9)), 2)
    return row | {"ratio": ratio, "holds": holds, "max": round(most, 2), "max_limit": _MOST_MS}


def scaling(name: str) -> Row:
    """Seconds to scan and to fill n slices up to 4,000; four times n may take 4.6 times as long."""
    table = []
    for count in _SIZES:
        folder = series(PLAIN, count, 128)
        taken = min((_parts(folder) for _ in range(5)), key=sum)
        table.append({"n": count, "cpu_s": round(sum(taken), 4), "fill_s": round(taken[1], 4)})
    cpu = {row["n"]: row["cpu_s"] for row in table}
    worst = max(cpu[4 * n] / cpu[n] for n in _SIZES if 4 * n in cpu)
    goal = Goal(name=name, what="time for 4n slices over time for n, to 4,000", n=4000)
    return in_units(goal, worst, _GROWTH, "x") | {"table": table}


def _parts(folder: Path) -> tuple[float, float]:
    """CPU seconds of the scan, and of the filling; garbage waits, as the window has it."""
    gc.collect()
    gc.disable()
    try:
        start = time.process_time()
        stack = scan([folder]).patients[0].studies[0].series[0].stacks[0]
        between = time.process_time()
        VolumeFill(stack).run()
        return between - start, time.process_time() - between
    finally:
        gc.enable()


LIMITS = {
    "B6": lambda: memory("B6", 300),
    "B8": lambda: beat("B8", "late beats while raw slices are read (p99)", PLAIN, 300),
    "B8-jpegls": lambda: beat("B8-jpegls", "late beats while JPEG-LS is read (p99)", LS, 60),
    "scaling": lambda: scaling("scaling"),
}


if __name__ == "__main__":
    _grow(Path(sys.argv[1]))
