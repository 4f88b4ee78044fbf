"""The reader's word on findings as DICOM: a new report, and new masks where one was corrected."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from medview.core.codec import to_plain
from medview.core.results import Label, ModelRun
from medview.session.decided import corrected_by, state_of
from medview.session.reporting import ReportSubject
from medview.session.saving import free_name, heads
from medview.session.segments import Segment
from medview.session.studies import Place
from medview.session.work import Decision, TakenReport

if TYPE_CHECKING:
    from medview.dicom.write import KeptRun, Reader, RunFiles, Sources, WrittenSegmentation
    from medview.dicom.write.drawn_segments import DrawnSegment
    from medview.dicom.write.finding_groups import Review

Written = Sequence[tuple[ModelRun, "RunFiles"]]


def kept_of(subject: ReportSubject, run: ModelRun) -> KeptRun:
    """The run behind what is shown of it: whole, with the reader's own threshold."""
    from medview.dicom.write import KeptRun

    chosen = {each.run_id: each.score for each in subject.work.thresholds}
    return KeptRun(whole=subject.whole.get(run.id, run), threshold=chosen.get(run.id))


def write_reviews(
    subject: ReportSubject, place: Place, written: Written, folder: Path
) -> tuple[TakenReport, int] | None:
    """One report on what models found on a stack, in the reader's name, and how many objects.

    None while the reader has said nothing. It takes the place of the models' own reports and of
    the reader's earlier ones; where every word was taken back it says so in an earlier one's
    place. Raises WriteFailed, GeometryError, InvalidInput.
    """
    from medview.dicom.objects.sr import read_structured_report
    from medview.dicom.write import (
        ReportParts,
        read_sources,
        stack_digest,
        write_measurement_report,
    )

    work = subject.work
    pairs = [(run, finding) for run, _ in written for finding in run.findings]
    said = {f.id: word for run, f in pairs if (word := state_of(work, run, f)) is not None}
    stem, ids = f"findings-{stack_digest(*place.key)}", {f.id for _, f in pairs}
    if not (said or heads(subject, stem, ids, folder)):
        return None
    sources = read_sources(place.stack)
    reviews, masks = _reviews(subject, place, written, (said, sources, folder))
    own = [folder / files.sr for _, files in written if files.sr]
    parts = ReportParts(
        runs=[(run, files.segmentation) for run, files in written],
        kept={run.id: kept_of(subject, run) for run, _ in written},
        reviews=reviews,
        predecessors=heads(subject, stem, ids, folder, own),
        reader=_reader(said, sources),
        is_complete=len(said) == len(pairs),
    )
    path = free_name(folder, stem, "sr")
    write_measurement_report(parts, sources, path)
    uid = read_structured_report(str(path)).uid
    return TakenReport(uid=uid, ids=tuple(f.id for _, f in pairs)), 1 + masks


def _reader(said: Mapping[str, Decision], sources: Sources) -> Reader | None:
    """Who said the last word, to verify the report; None where nothing is said any more."""
    from medview.dicom.write import Reader

    if not said:
        return None
    last = max(said.values(), key=lambda word: word.moment)
    return Reader(last.by or "unknown", str(sources.first.get("InstitutionName", "")) or "-")


def _reviews(
    subject: ReportSubject,
    place: Place,
    written: Written,
    how: tuple[Mapping[str, Decision], Sources, Path],
) -> tuple[dict[str, Review], int]:
    """Every word with the mask that belongs to it; how many files of masks were written.

    A mask that was corrected to nothing says that nothing is there: the finding is rejected.
    """
    from medview.dicom.write.finding_groups import EditedMask, Review

    said, sources, folder = how
    edited = _drawn(subject, place, written, said)
    seg = _write_masks([drawn for _, drawn, _ in edited], sources, folder, place)
    voxel = place.stack.geometry.voxel_mm3
    masks = {}
    for number, (finding_id, drawn, segment) in enumerate(edited):
        if seg is not None and number in seg.segments:
            masks[finding_id] = EditedMask(
                segmentation=seg,
                number=seg.segments[number],
                volume_mm3=float(drawn.voxels.sum()) * voxel,
                kept={
                    "seg": str(seg.dataset.SOPInstanceUID),
                    "number": seg.segments[number],
                    "segment": {**to_plain(segment), "patches": []},
                },
            )
    emptied = {finding_id for finding_id, _, _ in edited} - masks.keys()
    reviews = {
        finding_id: Review(
            decision="rejected" if finding_id in emptied else word.decision,
            by=word.by,
            at=word.at,
            edited=masks.get(finding_id),
        )
        for finding_id, word in said.items()
    }
    return reviews, int(seg is not None)


def _drawn(
    subject: ReportSubject, place: Place, written: Written, said: Mapping[str, Decision]
) -> list[tuple[str, DrawnSegment, Segment]]:
    from medview.dicom.write.drawn_segments import DrawnSegment
    from medview.dicom.write.segmentation import tracking_id, tracking_uid

    found = []
    for run, files in written:
        for finding in run.findings:
            segment = corrected_by(subject.work, run, finding)
            word = said.get(finding.id)
            if segment is None or word is None or word.decision != "edited":
                continue
            if subject.segmenting is None or finding.label_value is None:
                continue
            live = subject.segmenting.mask(place, segment)
            drawn = DrawnSegment(
                id=segment.id,
                label=_label(run, finding.label_value, segment),
                first=live.box.first,
                voxels=live.read(live.box),
                origin=segment.origin,
                made_by=word.by,
                made_at=word.at,
                run=run,
                began_as=files.segmentation,
                tracking=(
                    tracking_uid(run, finding.label_value),
                    tracking_id(run, finding.label),
                ),
            )
            found.append((finding.id, drawn, segment))
    return found


def _label(run: ModelRun, value: int, segment: Segment) -> Label:
    labels = run.label_map.labels if run.label_map is not None else ()
    own = next((label for label in labels if label.value == value), None)
    return own or Label(value=value, name=segment.name, colour=segment.colour, code=segment.code)


def _write_masks(
    drawn: Sequence[DrawnSegment], sources: Sources, folder: Path, place: Place
) -> WrittenSegmentation | None:
    """The corrected masks of a stack; the same masks give the same object."""
    from medview.dicom.uids import derived_uid
    from medview.dicom.write import stack_digest
    from medview.dicom.write.drawn_segments import write_drawn_segments

    if not drawn:
        return None
    digest = hashlib.sha256()
    for each in drawn:
        digest.update(f"{each.id} {each.first} {each.voxels.shape} {each.made_at}".encode())
        digest.update(each.voxels.tobytes())
    name = digest.hexdigest()
    path = folder / f"edited-{stack_digest(*place.key)}-{name[:8]}-seg.dcm"
    return write_drawn_segments(drawn, sources, path, derived_uid("edited", name))
