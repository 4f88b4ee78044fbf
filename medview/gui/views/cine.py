"""Plays the slices or frames of a view one after another."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from medview.core.study import Series
from medview.core.words import tr
from medview.gui.views.stage import SliceStage
from medview.gui.views.state import is_slice_ready, slice_number

SLOWEST, FASTEST = 1.0, 120.0
_USUAL = 15.0  # pictures a second where neither the reader nor the file says
_FASTER = 1.25
_MEASURED = 12  # pictures over which the true rate is taken


@dataclass(frozen=True, slots=True)
class Pace:
    """How a cine plays. rate: pictures a second. is_bouncing: forth and back, else in a loop.

    times_ms: how long each frame is shown where they differ; `rate` is then the mean, and another
    rate stretches all of them.
    """

    rate: float = _USUAL
    is_bouncing: bool = False
    times_ms: tuple[float, ...] = ()

    def wait_ms(self, number: int) -> int:
        """How long frame `number` is shown."""
        if not 0 <= number < len(self.times_ms):
            return round(1000 / self.rate)
        mean = sum(self.times_ms) / len(self.times_ms)
        return max(1, round(self.times_ms[number] * (1000 / self.rate) / mean))


def pace_of(series: Series, wanted_rate: float = 0.0, frame_ms: tuple[float, ...] = ()) -> Pace:
    """How a series asks to be played; `wanted_rate` outweighs its rate unless it is 0.

    frame_ms: of a stack whose frames are shown for times of their own (Frame Time Vector); they
    hold where neither the reader nor the file names a rate.

    Recommended Display Frame Rate (0008,2144), Cine Rate (0018,0040), Frame Time (0018,1063) and
    the mean of Frame Time Vector (0018,1065), in this order; Preferred Playback Sequencing
    (0018,1244) 1 is forth and back (PS3.3 C.7.6.5).
    """
    header = series.header
    rates: tuple[float, ...] = (
        wanted_rate,
        _number(header.get("RecommendedDisplayFrameRate", "")),
        _number(header.get("CineRate", "")),
        _rate_of_times([header.get("FrameTime", "")]),
        _rate_of_times(header.get("FrameTimeVector", "").split("\\")[1:]),  # the first is 0
    )
    if frame_ms and not any(rate > 0 for rate in rates[:3]):
        rates = (1000.0 * len(frame_ms) / sum(frame_ms),)
    else:
        frame_ms = ()
    rate = next((each for each in rates if each > 0), _USUAL)
    is_bouncing = header.get("PreferredPlaybackSequencing", "").strip() == "1"
    return Pace(min(max(rate, SLOWEST), FASTEST), is_bouncing, frame_ms)


def _number(text: str) -> float:
    try:
        return max(0.0, float(text))
    except ValueError:
        return 0.0


def _rate_of_times(milliseconds: list[str]) -> float:
    times = [each for each in map(_number, milliseconds) if each > 0]
    return 1000.0 * len(times) / sum(times) if times else 0.0


class Cine(QObject):
    """Drives one stage at a time; slices that are not read yet are passed over."""

    changed = Signal()  # began, ended, or another pace

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._stage: SliceStage | None = None
        self.pace = Pace()
        self._step = 1
        self._shown_at: deque[float] = deque(maxlen=_MEASURED)
        self._is_ours = False
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._next)

    @property
    def stage(self) -> SliceStage | None:
        """What is being played, None while nothing is."""
        return self._stage

    @property
    def is_stepping(self) -> bool:
        """Whether the step that is being made is the cine's own, not the reader's."""
        return self._is_ours

    def play(self, stage: SliceStage, pace: Pace) -> bool:
        """Play a view; False where it holds a single picture."""
        self.stop()
        if stage.plane is None or stage.plane.count < 2:
            return False
        self._stage, self._step = stage, 1
        self._shown_at.clear()
        self.set_pace(pace)
        return True

    def stop(self) -> None:
        """Stay where it is."""
        was_playing, self._stage = self._stage is not None, None
        self._timer.stop()
        if was_playing:
            self.changed.emit()

    def set_pace(self, pace: Pace) -> None:
        """Another rate or way, also while it plays."""
        self.pace = replace(pace, rate=min(max(pace.rate, SLOWEST), FASTEST))
        self._shown_at.clear()
        if self._stage is not None:
            self._timer.start(self.pace.wait_ms(shown_number(self._stage)))
        self.changed.emit()

    def quicken(self, steps: int) -> None:
        """Some steps faster, or slower."""
        self.set_pace(replace(self.pace, rate=self.pace.rate * _FASTER**steps))

    def text(self) -> str:
        """What the corner says: the rate, and the true one where the machine cannot keep it."""
        if self._stage is None:
            return ""
        way = "⇄" if self.pace.is_bouncing else "▶"
        true = self._true_rate()
        if true is not None and true < 0.8 * self.pace.rate:
            return tr(
                "{way} {true} of {rate} images/s",
                way=way, true=f"{true:.0f}", rate=f"{self.pace.rate:.0f}",
            )  # fmt: skip
        return tr("{way} {rate} images/s", way=way, rate=f"{self.pace.rate:.0f}")

    def _true_rate(self) -> float | None:
        if len(self._shown_at) < _MEASURED:
            return None
        passed = self._shown_at[-1] - self._shown_at[0]
        return (len(self._shown_at) - 1) / max(passed, 1e-6)

    def _next(self) -> None:
        stage = self._stage
        if stage is None or stage.plane is None or stage.plane.count < 2:
            self.stop()
            return
        target = self._target(stage, stage.plane.count)
        if target is None:
            return  # nothing else is there yet
        self._shown_at.append(time.monotonic())
        self._is_ours = True
        try:
            stage.scroll(target - shown_number(stage))
        finally:
            self._is_ours = False
        if self.pace.times_ms:
            self._timer.setInterval(self.pace.wait_ms(target))

    def _target(self, stage: SliceStage, count: int) -> int | None:
        """The next slice that is there, as they are read; None where no other one is."""
        number = shown_number(stage)
        for _ in range(2 * count):
            number += self._step
            if not 0 <= number < count:
                if self.pace.is_bouncing:
                    self._step = -self._step
                    number += 2 * self._step
                else:
                    number %= count
            if number == shown_number(stage):
                return None
            if is_number_ready(stage, number):
                return number
        return None


def shown_number(stage: SliceStage) -> int:
    """Which slice is shown, 0 for the first one as they are read."""
    return 0 if stage.plane is None else slice_number(stage.plane, stage.index) - 1


def is_number_ready(stage: SliceStage, number: int) -> bool:
    """Whether a slice, counted as they are read, can be shown."""
    if stage.plane is None:
        return False
    index = stage.index + (number - shown_number(stage)) * stage.plane.reading_step
    return is_slice_ready(stage.plane, index, stage.ready)
