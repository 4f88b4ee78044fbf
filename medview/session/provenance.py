"""What a run read, with what and when; and the names by which its lesions are known later."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from medview import __version__
from medview.core.results import Finding, ModelRun, Provenance
from medview.core.study import Patient
from medview.dicom.uids import derived_uid
from medview.session.work import Work

if TYPE_CHECKING:
    from medview.ai.folder import ModelFolder
    from medview.core.volume import Volume
    from medview.session.studies import Place

_NEAR_MM = 10.0  # a lesion that is found again within this distance is the same one


def now() -> str:
    """This moment, local, with its zone."""
    return dt.datetime.now().astimezone().isoformat(timespec="milliseconds")


def input_digest(volume: Volume) -> str:
    """SHA-256 of the voxels as stored: shape and type in words, then slice after slice in
    little-endian bytes; then the rescale, so that the same values give the same digest."""
    stored = volume.stored
    digest = hashlib.sha256(f"{stored.shape} {stored.dtype.newbyteorder('<').str}\n".encode())
    for picture in stored:
        little = picture.astype(picture.dtype.newbyteorder("<"), copy=False)
        digest.update(np.ascontiguousarray(little).data)
    scale = [volume.slope, volume.intercept] if volume.per_slice is None else volume.per_slice
    digest.update(np.asarray(scale, "<f8").tobytes())
    return digest.hexdigest()


def provenance_of(model: ModelFolder, place: Place, volume: Volume) -> Provenance:
    """What is known before a run begins. Reads every voxel: not for the window's thread."""
    return Provenance(
        inputs=tuple(dict.fromkeys(f.sop_instance_uid for f in place.stack.frames)),
        input_sha256=input_digest(volume),
        backend=backend_of(model),
        program=f"MedView {__version__}",
        started=now(),
    )


def backend_of(model: ModelFolder) -> str:
    """The library that computes this model, with its version."""
    # Only here: it brings the reading of e-mail, and a run is far from the start of the window.
    from importlib.metadata import PackageNotFoundError, version

    name = "torch" if any(step["op"] == "network" for step in model.pipeline) else "numpy"
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return name


def ended(run: ModelRun, provenance: Provenance) -> ModelRun:
    """The run with what it read; its end is now."""
    known = run.provenance.backend if run.provenance is not None else ""
    whole = replace(provenance, finished=now(), backend=known or provenance.backend)
    return replace(run, provenance=whole)


def tracked(
    run: ModelRun, place: Place, work: Work | None = None, before: ModelRun | None = None
) -> ModelRun:
    """The run with a tracking UID for each finding.

    An organ or a class of one model has one UID a patient; a lesion that the reader measured has
    its measurement's, over dates that of the earliest measurement of the pair; a detection that
    lies where `before` (the run that this one takes the place of) had one keeps that one's.
    """
    patient = identity(place.patient, place.study.uid)
    earlier = list(before.findings) if before is not None else []
    found = []
    for finding in run.findings:
        uid = finding.tracking_uid or _uid(run, finding, patient, work)
        if finding.kind == "detection":
            same = _taken_nearest(finding, earlier)
            uid = same.tracking_uid if same is not None and same.tracking_uid else uid
        found.append(replace(finding, tracking_uid=uid))
    return replace(run, findings=tuple(found))


def identity(patient: Patient, study_uid: str) -> str:
    """Who a UID is about, the same on every computer; the study where the patient has no id."""
    return f"{patient.id}|{patient.birth_date}" if patient.id else study_uid


def _uid(run: ModelRun, finding: Finding, patient: str, work: Work | None) -> str:
    if finding.kind == "detection":
        return derived_uid("finding", run.id, finding.id)
    if run.subject:
        return derived_uid("lesion", _first_of(run.subject, work), run.model.name, finding.label)
    return derived_uid("finding", patient, run.model.name, finding.label)


def _first_of(measurement: str, work: Work | None) -> str:
    """The earliest measurement of the same lesion."""
    earlier = {pair.later: pair.earlier for pair in (work.pairs if work is not None else ())}
    seen = {measurement}
    while (before := earlier.get(measurement)) is not None and before not in seen:
        measurement = before
        seen.add(before)
    return measurement


def _taken_nearest(finding: Finding, earlier: list[Finding]) -> Finding | None:
    """The earlier detection of the same label nearest to this one; each is taken once."""
    near = []
    for other in earlier:
        if other.centroid is None or finding.centroid is None or other.label != finding.label:
            continue
        apart = float(np.linalg.norm(np.subtract(other.centroid, finding.centroid)))
        if other.kind == "detection" and apart <= _NEAR_MM:
            near.append((apart, other))
    if not near:
        return None
    nearest = min(near, key=lambda each: each[0])[1]
    earlier.remove(nearest)
    return nearest
