"""Makes the pictures of the README and the guide: true windows on the made demo study.

    .venv/bin/python docs/make_pictures.py [DEMO] [--only NAME]...
    .venv/bin/python docs/make_pictures.py --real FOLDER OUT [--only NAME]...

DEMO is a folder of `medview demo`; without it one is made in a temporary folder. With `--real`
the same views are made of real studies in FOLDER, which has the layout of the test images; OUT
must lie outside the program's own folder: pictures of real studies do not belong there.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import record_pictures as record
from reading_pictures import (
    Scene,
    after,
    analysed,
    curved,
    keys_page,
    measured,
    nodule_at,
    over_planes,
    painted,
    planes,
    surfaces,
    take_all,
    turned,
)
from risk_pictures import risk_scenes

if TYPE_CHECKING:
    from medview.core.geometry import PatientPoint

PICTURES = Path(__file__).resolve().parent / "pictures"
CHEST = ("ct/chest-whole",)
NODULE_FILE, NODULE_ROW, NODULE_COLUMN = "ct/chest-whole/slice-070.dcm", 367, 317
BRAIN = ("mr/brain-t1-pre", "mr/brain-t1-post")
LIVER = ("mr/abdomen-now-1960", "mr/abdomen-prior-1959")
CHILD = ("images/MV-0002",)


def demo_nodule(demo: Path) -> PatientPoint:
    """Where the demo's own truth has its nodule."""
    from medview.core.geometry import PatientPoint

    truth = json.loads((demo / "truth" / "truth.json").read_text(encoding="utf-8"))
    return PatientPoint(*truth["ct"]["nodule"]["centre_mm"])


def chest_nodule(folder: Path) -> PatientPoint:
    """A large nodule of the public chest, given by its publisher in pixels of one slice."""
    import pydicom

    from medview.core.geometry import PatientPoint

    header = pydicom.dcmread(folder / NODULE_FILE, stop_before_pixels=True)
    x, y, z = (float(each) for each in header.ImagePositionPatient)
    down, along = (float(each) for each in header.PixelSpacing)
    return PatientPoint(x + NODULE_COLUMN * along, y + NODULE_ROW * down, z)


def guide_scenes(demo: Path) -> tuple[Scene, ...]:
    """What the README and the guide show."""
    whole = ("images", "record")
    nodule = nodule_at(partial(demo_nodule, demo))
    return (
        Scene(name="main-window", paths=whole, steps=analysed),
        Scene(name="prior-beside", paths=whole),
        Scene(name="record", paths=whole, steps=analysed, tab="record"),
        Scene(
            name="record-panel", paths=whole, tab="record",
            panels=(record.mention_open, record.summary, record.timeline, record.search),
        ),
        Scene(
            name="record-panel-zh", paths=whole, tab="record", language="zh_CN",
            panels=(
                record.chinese_mention_open, record.summary, record.timeline,
                record.chinese_search,
            ),
        ),
        Scene(name="child-film", paths=CHILD, steps=lambda room: room.window.analyse_study()),
        Scene(name="chinese", paths=whole, steps=analysed, tab="risk", language="zh_CN"),
        Scene(name="turned-slab", paths=whole, steps=turned),
        Scene(name="curve", paths=whole, steps=curved),
        Scene(name="measured", paths=whole, steps=measured),
        Scene(name="nodule", paths=whole, steps=nodule),
        Scene(name="segments", paths=whole, steps=painted),
        Scene(name="surfaces", paths=whole, steps=surfaces),
        Scene(name="hanging-rules", paths=whole, steps=after("layout.hanging_rules")),
        Scene(name="keys", paths=whole, steps=keys_page),
        *risk_scenes(partial(demo_nodule, demo)),
    )  # fmt: skip


def real_scenes(folder: Path) -> tuple[Scene, ...]:
    """The same views and more on real studies."""
    return (
        Scene(name="ct-chest", paths=CHEST),
        Scene(name="ct-analysed", paths=CHEST, steps=analysed),
        Scene(name="ct-turned-slab", paths=CHEST, steps=turned),
        Scene(name="ct-curve", paths=CHEST, steps=curved),
        Scene(name="ct-measured", paths=CHEST, steps=measured),
        Scene(name="ct-nodule", paths=CHEST, steps=nodule_at(partial(chest_nodule, folder))),
        Scene(name="ct-segments", paths=CHEST, steps=painted),
        Scene(name="ct-surfaces", paths=CHEST, steps=surfaces),
        Scene(name="ct-palette", paths=CHEST, steps=over_planes("help.palette")),
        Scene(name="ct-keys", paths=CHEST, steps=keys_page),
        Scene(name="ct-hanging-rules", paths=CHEST, steps=after("layout.hanging_rules")),
        Scene(name="ct-layouts", paths=CHEST, steps=after("layout.3x3")),
        Scene(name="mr-prior", paths=LIVER),
        Scene(name="mr-brain", paths=BRAIN),
        Scene(name="mr-brain-planes", paths=BRAIN, steps=planes),
        Scene(name="pet-ct", paths=("petct",)),
        Scene(name="pet-ct-beside", paths=("petct",), steps=after("layout.next_stage")),
        Scene(name="mammogram", paths=("mg",)),
        Scene(name="ultrasound-cine", paths=("us/cine-ybr422-jpeg-30frames.dcm",)),
        Scene(name="ultrasound-all", paths=("us",)),
        Scene(name="radiograph", paths=("cr-dx/chest-cxr-jpeg.dcm",)),
        Scene(name="radiograph-monochrome1", paths=("cr-dx/rg3-monochrome1-j2k.dcm",)),
        Scene(name="pet-chinese", paths=("petct",), language="zh_CN"),
    )  # fmt: skip


def make_demo(folder: Path) -> None:
    """The demo study, by the command that everyone has."""
    command = [sys.executable, "-m", "medview.cli", "demo", "--out", str(folder)]
    status = subprocess.run(command, check=False).returncode
    if status != 0:
        raise SystemExit(f"medview demo ended with {status}")


def main() -> None:
    """The guide's pictures, or those of real studies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("demo", type=Path, nargs="?")
    parser.add_argument("--real", type=Path, nargs=2, metavar=("FOLDER", "OUT"))
    parser.add_argument("--only", action="append", default=[], metavar="NAME")
    args = parser.parse_args()
    if args.real is not None:
        folder, out = (each.resolve() for each in args.real)
        if out.is_relative_to(PICTURES.parents[1]):
            raise SystemExit("OUT must lie outside the program's folder.")
        take_all(chosen(real_scenes(folder), args.only), folder, out)
        return
    with tempfile.TemporaryDirectory() as made:
        demo = args.demo.resolve() if args.demo is not None else Path(made) / "demo"
        if not demo.is_dir():
            make_demo(demo)
        take_all(chosen(guide_scenes(demo), args.only), demo, PICTURES)


def chosen(scenes: tuple[Scene, ...], names: list[str]) -> tuple[Scene, ...]:
    """Those that are asked for; all of them where none is."""
    return tuple(scene for scene in scenes if not names or scene.name in names)


if __name__ == "__main__":
    main()
