"""Kind, summary and references of objects that are no pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from medview.core.study import StudyObject
from medview.core.words import Sentence, say
from medview.dicom.elements import Elements
from medview.dicom.instance import Instance
from medview.dicom.keywords import tag_of

# SOP Class UID to kind, below 1.2.840.10008.5.1.4.1.1. (PS3.4 B.5); longest beginning wins.
_KIND_BY_CLASS = {
    "66.": "OTHER", "66.4": "SEG", "66.7": "SEG", "66.5": "SEG", "66.1": "REG", "66.3": "REG",
    "66.2": "FID", "88.": "SR", "88.59": "KO", "11.": "PR", "481.2": "RTDOSE", "481.3": "RTSTRUCT",
    "481.5": "RTPLAN", "481.8": "RTPLAN", "481.4": "RTRECORD", "481.6": "RTRECORD",
    "481.7": "RTRECORD", "481.9": "RTRECORD", "481.": "RT", "104.1": "PDF", "104.2": "CDA",
    "104.3": "STL", "104.4": "OBJ", "104.5": "MTL", "9.": "WAVEFORM", "67": "RWV", "91.1": "ANN",
    "4.2": "SPECTROSCOPY", "66": "RAW", "30": "PARAMETRIC MAP",
}  # fmt: skip
_IMAGES_ROOT = "1.2.840.10008.5.1.4.1.1."
_NOT_IMAGES = frozenset(("SEG", "RTDOSE"))  # have pixels, yet no one looks at them as a picture
_NAMED = 6  # names that a summary gives
_PALETTE = "1.2.840.10008.5.1.4.39."


def kind_of(top: Elements) -> str:
    """A short word for the object: SEG, SR, KO, PR, RTSTRUCT ..., else its modality or OTHER."""
    uid = top.text("SOPClassUID")
    if uid.startswith(_PALETTE):
        return "PALETTE"
    short = uid.removeprefix(_IMAGES_ROOT) if uid.startswith(_IMAGES_ROOT) else ""
    for length in range(len(short), 0, -1):
        start = short[:length]
        is_whole = start.endswith(".") or short[length : length + 1] in ("", ".")
        if is_whole and start in _KIND_BY_CLASS:
            return _KIND_BY_CLASS[start]
    return top.text("Modality").upper() or "OTHER"


def is_object_with_pixels(top: Elements) -> bool:
    """Whether the pixels are masks or doses that belong to other images."""
    return kind_of(top) in _NOT_IMAGES or top.text("Modality").upper() in _NOT_IMAGES


def study_object(instance: Instance, notes: tuple[str, ...] = ()) -> StudyObject:
    """The object with its summary and the SOP Instance UIDs (or series UIDs) that it names."""
    top = instance.elements
    kind = kind_of(top)
    return StudyObject(
        kind=kind,
        uid=top.text("SOPInstanceUID"),
        path=instance.path,
        refers_to=tuple(dict.fromkeys(_references(top))),
        summary=_SUMMARY.get(kind, _described)(top),
        notes=notes,
    )


def _references(top: Elements, depth: int = 0) -> Iterator[str]:
    """Referenced instances anywhere in the object; series where no instance is named."""
    if depth > 12:
        return
    uid = top.text("ReferencedSOPInstanceUID")
    if uid:
        yield uid
    for tag, items in top.sequences.items():
        if tag == tag_of("PerFrameFunctionalGroupsSequence"):
            continue  # repeats what the series sequence says
        for item in items:
            yield from _references(item, depth + 1)


def _counted(count: int, one: Sentence, many: Sentence) -> Sentence:
    return one if count == 1 else many


def _with_names(counted: Sentence, names: list[str]) -> Sentence:
    named = ", ".join(name for name in names[:_NAMED] if name)
    return say("{count}: {names}", count=counted, names=named) if named else counted


def _as_written(text: str) -> Sentence | None:
    return say("{text}", text=text) if text else None


def _described(top: Elements) -> Sentence | None:
    return _as_written(
        top.text("SeriesDescription") or top.text("ContentDescription") or top.text("ContentLabel")
    )


def _segments(top: Elements) -> Sentence:
    labels = [item.text("SegmentLabel") for item in top.items("SegmentSequence")]
    count = len(labels)
    return _with_names(
        _counted(count, say("1 segment"), say("{count} {count:segment|segments}", count=count)),
        labels,
    )


def _report(top: Elements) -> Sentence | None:
    title = [item.text("CodeMeaning") for item in top.items("ConceptNameCodeSequence")]
    parts = [*title[:1], top.text("CompletionFlag").lower(), top.text("VerificationFlag").lower()]
    return _as_written(", ".join(part for part in parts if part))


def _key_objects(top: Elements) -> Sentence:
    title = next((item.text("CodeMeaning") for item in top.items("ConceptNameCodeSequence")), "")
    count = sum(1 for item in top.items("ContentSequence") if item.text("ValueType") == "IMAGE")
    pictures = _counted(
        count, say("1 picture"), say("{count} {count:picture|pictures}", count=count)
    )
    return say("{title}: {pictures}", title=title, pictures=pictures) if title else pictures


def _structures(top: Elements) -> Sentence:
    names = [item.text("ROIName") for item in top.items("StructureSetROISequence")]
    count = len(names)
    return _with_names(
        _counted(
            count, say("1 structure"), say("{count} {count:structure|structures}", count=count)
        ),
        names,
    )


def _plan(top: Elements) -> Sentence:
    count = len(top.items("BeamSequence")) + len(top.items("IonBeamSequence"))
    return _counted(count, say("1 beam"), say("{count} {count:beam|beams}", count=count))


def _dose(top: Elements) -> Sentence:
    count = top.integer("NumberOfFrames", 1)
    planes = _counted(count, say("1 plane"), say("{count} {count:plane|planes}", count=count))
    unit = top.text("DoseUnits").upper()
    if unit == "RELATIVE":
        return say("{planes}, relative dose", planes=planes)
    if unit == "GY":
        return say("{planes}, dose in Gy", planes=planes)
    return say("{planes}, unit of the dose not known", planes=planes)


def _document(top: Elements) -> Sentence | None:
    return _as_written(top.text("DocumentTitle") or top.text("MIMETypeOfEncapsulatedDocument"))


def _waveform(top: Elements) -> Sentence:
    groups = top.items("WaveformSequence")
    channels = sum(group.integer("NumberOfWaveformChannels") for group in groups)
    counted = _counted(
        channels, say("1 channel"), say("{count} {count:channel|channels}", count=channels)
    )
    if len(groups) == 1:
        return counted
    return say("{channels} in {count} {count:group|groups}", channels=counted, count=len(groups))


_SUMMARY: dict[str, Callable[[Elements], Sentence | None]] = {
    "SEG": _segments,
    "SR": _report,
    "KO": _key_objects,
    "RTSTRUCT": _structures,
    "RTPLAN": _plan,
    "RTDOSE": _dose,
    "PDF": _document,
    "CDA": _document,
    "WAVEFORM": _waveform,
}
