"""What is done to pictures besides reading them slice by slice, wired to the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medview.gui.colours_work import ColoursWork
from medview.gui.fusion_work import FusionWork
from medview.gui.mammograms import Mammograms
from medview.gui.phase_work import PhaseWork
from medview.gui.presentation_work import PresentationWork

if TYPE_CHECKING:
    from medview.gui.window import MainWindow


class PictureWorks:
    """Fusion, mammograms, phases, colours and presentation states of one window."""

    def __init__(self, window: MainWindow) -> None:
        self.fusion = FusionWork(window)
        self.mammograms = Mammograms(window)
        self.phases = PhaseWork(window)
        self.colours = ColoursWork(window)
        self.presentations = PresentationWork(window)
