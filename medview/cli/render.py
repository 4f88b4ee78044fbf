"""`medview render`: the picture that the window would show, as PNG."""

from __future__ import annotations

import argparse
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medview.cli.output import DONE, IN_PART, complain, print_json, print_lines, progress_for
from medview.core.errors import InvalidInput
from medview.core.files import write_whole
from medview.core.progress import Progress
from medview.core.results import Heatmap, LabelMap, ModelRun
from medview.core.study import Holdings, Series, Stack
from medview.core.volume import Volume
from medview.core.words import say
from medview.dicom import fill_of, scan_with_volumes
from medview.imaging.planes import Plane, native_plane, planes_of
from medview.imaging.presets import opening_window, preset_named, presets_for
from medview.imaging.window import Window, auto_window, first_window

if TYPE_CHECKING:
    from medview.dicom.write import StoredResults
    from medview.imaging.looks import Scale
    from medview.imaging.transfer import Look

SCHEMA = "medview.render/1"
_PATIENT_AXIS = {"axial": 2, "coronal": 1, "sagittal": 0}
_VOLUME_SIZE = (900, 800)
_FEWEST_SLICES = 3  # for a picture in space


@dataclass(frozen=True, eq=False, kw_only=True)
class _Slice:
    """Which slice is drawn and how."""

    plane: Plane
    index: int
    window: Window

    @property
    def position_mm(self) -> float | None:
        """Where its middle lies along the patient's axis, None for films."""
        if self.plane.name not in _PATIENT_AXIS:
            return None
        rows, columns = self.plane.shape
        middle = self.plane.to_patient(self.index, (rows - 1) / 2, (columns - 1) / 2)
        return round(middle[_PATIENT_AXIS[self.plane.name]], 3)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command's contract."""
    parser.add_argument("path", type=Path, metavar="PATH", help="a file or folder of images")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.png", help="the picture")
    planes = ("axial", "coronal", "sagittal", "volume")
    parser.add_argument("--plane", choices=planes, help="as acquired where nothing is said")
    parser.add_argument("--at", type=float, metavar="MM", help="place along the patient's axis")
    parser.add_argument("--window", metavar="W,L|NAME", help="numbers, a preset, `auto` or `file`")
    parser.add_argument("--preset", metavar="NAME", help="look of --plane volume: bone, lung ...")
    parser.add_argument("--overlay", type=Path, metavar="RESULTS", help="what `analyze` wrote")
    parser.add_argument("--series", metavar="UID", help="which series, where there are several")


def run(args: argparse.Namespace) -> int:
    """Write the picture. Status 3 where slices could not be read and are black."""
    if args.out.suffix.lower() != ".png":
        raise InvalidInput(say("The picture's name must end in .png."), args.out.name)
    results = _results(args.overlay)
    progress = progress_for(args)
    series, stack = _chosen(scan_with_volumes([args.path], progress), args.series, results)
    fill = fill_of(stack)
    fill.run(progress)
    if len(fill.failed) == len(fill.ready):
        raise InvalidInput(next(iter(fill.failed.values())), str(args.path))
    number = next(n for n, one in enumerate(series.stacks) if one is stack)
    overlays = _overlays(results, series.uid, number)
    if args.plane == "volume":
        pixels, told = _in_space(fill.volume, series, args.preset, progress)
    else:
        chosen = _slice(fill.volume, args)
        pixels, told = _picture(fill.volume, chosen, overlays)
    _write(pixels, args.out)
    _tell(args, pixels, told)
    if fill.failed:
        said = say(
            "{count} {count:slice|slices} could not be read and {count:is|are} blank.",
            count=len(fill.failed),
        )
        return complain(str(said), IN_PART)
    return DONE


def _results(path: Path | None) -> StoredResults | None:
    if path is None:
        return None
    from medview.dicom.write import read_results

    return read_results(path)


def _chosen(
    holdings: Holdings, uid: str | None, results: StoredResults | None
) -> tuple[Series, Stack]:
    """The series that was asked for, else the one the results speak of, else the largest."""
    pairs = [
        (series, stack)
        for patient in holdings.patients
        for study in patient.studies
        for series in study.series
        for stack in series.stacks
    ]
    if not pairs:
        raise InvalidInput(say("There is no image below this path."))
    if uid is not None:
        pairs = [pair for pair in pairs if pair[0].uid == uid]
        if not pairs:
            raise InvalidInput(say("There is no series with this UID"), uid)
    elif results is not None:
        wanted = {(run.series_uid, run.stack) for run in results.runs if run.status == "run"}
        spoken = [
            pair for pair in pairs if any((pair[0].uid, n) in wanted for n in _numbers(*pair))
        ]
        pairs = spoken or pairs
    return max(pairs, key=lambda pair: len(pair[1].frames))


def _numbers(series: Series, stack: Stack) -> list[int]:
    return [number for number, one in enumerate(series.stacks) if one is stack]


def _overlays(
    results: StoredResults | None, series_uid: str, number: int
) -> list[LabelMap | Heatmap]:
    """Every mask of the stack, and the heatmap of its most probable finding."""
    if results is None:
        return []
    runs = [
        results.with_voxels(run)
        for run in results.runs
        if run.status == "run" and (run.series_uid, run.stack) == (series_uid, number)
    ]
    masks: list[LabelMap | Heatmap] = [run.label_map for run in runs if run.label_map is not None]
    heatmap = _likeliest_heatmap(runs)
    if not masks and heatmap is None:
        raise InvalidInput(say("These results hold nothing to draw on this series."))
    return masks if heatmap is None else [*masks, heatmap]


def _likeliest_heatmap(runs: list[ModelRun]) -> Heatmap | None:
    found = [
        (finding.probability or finding.score or 0.0, heatmap)
        for run in runs
        for finding in run.findings
        for heatmap in run.heatmaps
        if heatmap.id == finding.heatmap_id
    ]
    return max(found, key=lambda pair: pair[0])[1] if found else None


def _slice(volume: Volume, args: argparse.Namespace) -> _Slice:
    plane = native_plane(volume.geometry)
    is_flat = volume.geometry.shape[0] == 1 or not volume.geometry.is_spatial
    if args.plane is not None and args.plane != plane.name:
        if is_flat:
            raise InvalidInput(
                say("A single picture has no other plane."), what_to_do=say("Leave --plane out.")
            )
        plane = planes_of(volume.geometry)[args.plane]
    index = _index(plane, args.at)
    return _Slice(plane=plane, index=index, window=_window(args.window, volume, index))


def _index(plane: Plane, at: float | None) -> int:
    if at is None:
        return plane.count // 2
    if plane.name not in _PATIENT_AXIS:
        raise InvalidInput(
            say("A projection has no place in the patient."), what_to_do=say("Leave --at out.")
        )
    axis = _PATIENT_AXIS[plane.name]
    rows, columns = plane.shape
    lie = [plane.to_patient(k, (rows - 1) / 2, (columns - 1) / 2)[axis] for k in range(plane.count)]
    index = min(range(plane.count), key=lambda k: abs(lie[k] - at))
    ends = sorted((lie[0], lie[-1]))
    half = abs(float(plane.matrix[axis, 0])) / 2
    if not ends[0] - half <= at <= ends[1] + half:
        raise InvalidInput(
            say(
                "There is no slice at {at} mm; they lie from {low} to {high} mm.",
                at=f"{at:g}",
                low=f"{ends[0]:.1f}",
                high=f"{ends[1]:.1f}",
            )
        )
    return index


def _window(text: str | None, volume: Volume, index: int) -> Window:
    """W,L in numbers, the name of a preset, `auto`, or `file`; else what it opens with."""
    if text is None:
        return opening_window(volume, k=index)
    if text.lower() == "file":
        return first_window(volume, k=index)
    if text.lower() == "auto":
        return auto_window(volume)
    preset = preset_named(text)
    if preset is not None:
        if preset not in presets_for(volume.modality, volume.unit):
            raise InvalidInput(
                say("The window {name} has no meaning for this series.", name=text),
                what_to_do=say("Give numbers as --window W,L or `auto`."),
            )
        return preset.window
    try:
        width, center = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InvalidInput(
            say("{text} is no window.", text=text),
            what_to_do=say("Give width and level as --window 1500,-600, or a preset's name."),
        ) from error
    function = "LINEAR" if width >= 1 else "LINEAR_EXACT"
    return Window(center=center, width=width, function=function)


def _picture(
    volume: Volume, chosen: _Slice, overlays: list[LabelMap | Heatmap]
) -> tuple[NDArray[np.uint8], dict[str, object]]:
    from medview.imaging.picture import compose

    pixels = compose(volume, chosen.plane, chosen.index, chosen.window, overlays=overlays)
    return pixels, {
        "plane": chosen.plane.name,
        "index": chosen.index,
        "position_mm": chosen.position_mm,
        "window": [chosen.window.width, chosen.window.center],
        "overlays": len(overlays),
    }


def _in_space(
    volume: Volume, series: Series, name: str | None, progress: Progress
) -> tuple[NDArray[np.uint8], dict[str, object]]:
    """The volume from the front, as the volume view shows it first."""
    geometry = volume.geometry
    if geometry.shape[0] < _FEWEST_SLICES or not geometry.is_spatial or volume.is_colour:
        raise InvalidInput(say("This series makes no volume."))
    from medview.gui.views.volume_blocks import FINE
    from medview.gui.views.volume_camera import Camera
    from medview.gui.views.volume_render import VolumeRenderer, rimmed
    from medview.gui.views.volume_scene import Scene
    from medview.imaging.looks import scale_of
    from medview.imaging.reduce import reduced

    progress(0, 1, "draw")
    values, grid = reduced(volume, FINE)
    look = _look(volume, series, scale_of(volume, values), name)
    renderer = VolumeRenderer()
    renderer.show(rimmed(values, grid), Scene(look=look))
    pixels = renderer.draw(Camera(), _VOLUME_SIZE)
    renderer.close()
    if pixels is None:
        raise InvalidInput(say("This series makes no volume."))
    progress(1, 1, "draw")
    return pixels, {"plane": "volume", "look": look.id}


def _look(volume: Volume, series: Series, scale: Scale, name: str | None) -> Look:
    """The look that was asked for by id or name, else the one that fits the series."""
    from medview.imaging.looks import first_look, looks_for

    looks, _ = looks_for(volume, scale)
    if name is None:
        return looks[first_look(looks, f"{series.body_part} {series.description}")]
    wanted = name.strip().casefold()
    for look in looks:
        if wanted in (look.id, look.name.casefold()):
            return look
    raise InvalidInput(
        say("There is no look {name} for this series.", name=name),
        what_to_do=say("It has these: {names}.", names=", ".join(look.id for look in looks)),
    )


def _write(pixels: NDArray[np.uint8], path: Path) -> None:
    from PIL import Image

    packed = io.BytesIO()
    Image.fromarray(pixels).save(packed, "PNG")
    write_whole(path, packed.getvalue())


def _tell(args: argparse.Namespace, pixels: NDArray[np.uint8], told: dict[str, object]) -> None:
    if args.json:
        size = [pixels.shape[1], pixels.shape[0]]
        print_json({"schema": SCHEMA, "file": str(args.out), "size": size} | told)
    elif not args.quiet:
        print_lines(str(args.out))
