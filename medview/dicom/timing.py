"""When pictures were taken and how long each of them is to be shown (PS3.3 C.7.6.5, C.8.9.5)."""

from __future__ import annotations

from medview.dicom.elements import Elements
from medview.dicom.frames import Frame

_LONGEST_MS = 60_000.0


def seconds_of(frame: Frame) -> float | None:
    """When a picture was taken, in seconds by the first clock that its file has.

    The same clock for every picture of a series: frame reference time (PET), trigger time,
    acquisition date and time, acquisition time, content time.
    """
    top = frame.instance.elements
    for keyword in ("FrameReferenceTime", "TriggerTime", "NominalCardiacTriggerDelayTime"):
        found = frame.floats(keyword)
        if found:
            return found[0] / 1000.0
    for keyword in ("FrameAcquisitionDateTime", "AcquisitionDateTime"):
        moment = _of_day(frame.text(keyword)[8:])
        if moment is not None:
            return moment
    moment = _of_day(top.text("AcquisitionTime"))
    return _of_day(top.text("ContentTime")) if moment is None else moment


def _of_day(text: str) -> float | None:
    """Seconds since midnight of a DICOM TM (PS3.5 6.2), or the time in a DT."""
    clock = text.replace(":", "").split("+")[0].split("-")[0].strip()
    whole, _, fraction = clock.partition(".")
    if len(whole) not in (2, 4, 6) or not whole.isdigit() or (fraction and not fraction.isdigit()):
        return None
    hours, minutes, seconds = (int(whole.ljust(6, "0")[at : at + 2]) for at in (0, 2, 4))
    return hours * 3600 + minutes * 60 + seconds + float(f"0.{fraction or 0}")


def frame_times(top: Elements, count: int) -> tuple[float, ...]:
    """(count,) milliseconds that each frame is shown, by Frame Time Vector (0018,1065).

    Empty where there is none, where all are alike, or where a time cannot be. The vector gives the
    increment *before* each frame, the first is 0; the last frame stays as long as the one before.
    """
    vector = top.floats("FrameTimeVector")
    if count < 3 or len(vector) != count:
        return ()
    steps = vector[1:]
    if min(steps) <= 0 or max(steps) > _LONGEST_MS or max(steps) - min(steps) < 0.5:
        return ()
    return (*steps, steps[-1])
