"""What can be done in the volume view: rows of the table, with keys that hold there alone."""

from __future__ import annotations

from medview.gui.actions.row import Parameter, Row


def _row(name: str, title: str, keys: str = "", icon: str = "", *, repeats: bool = False) -> Row:
    return Row(f"volume.{name}", title, icon, keys, in_volume=True, repeats=repeats)


_LOOKS = ("Look 1", "Look 2", "Look 3", "Look 4", "Look 5", "Look 6", "Look 7", "Look 8", "Look 9")
VOLUME_ROWS: tuple[Row, ...] = (
    _row("from_a", "From the front", "Shift+A"),
    _row("from_p", "From behind", "Shift+P"),
    _row("from_l", "From the patient's left", "Shift+L"),
    _row("from_r", "From the patient's right", "Shift+R"),
    _row("from_h", "From the head", "Shift+H"),
    _row("from_f", "From the feet", "Shift+F"),
    _row("reset_view", "Reset the volume's view", "R", "rotate-ccw"),
    _row("spin", "Turn by itself", "C", "rotate-3d"),
    _row("reset_look", "Look that fits the series", "0"),
    *(_row(f"look_{number}", title, str(number)) for number, title in enumerate(_LOOKS, 1)),
    _row("shift_up", "Look towards higher values", "]", repeats=True),
    _row("shift_down", "Look towards lower values", "[", repeats=True),
    _row("blend", "Next projection: tissue, MIP, MinIP, mean", "M", "layers"),
    _row("light", "Light", "N", "lightbulb"),
    _row("editor", "Edit the look", "G", "sliders-horizontal"),
    _row("box", "Crop box", "B", "crop"),
    _row("reset_box", "Reset the crop box", "Shift+B"),
    _row("lasso_remove", "Scissors: remove what a line covers", "S", "scissors"),
    _row("lasso_keep", "Scissors: keep what a line covers", "Shift+S"),
    _row("cut_axial", "Cut along the axial slice"),
    _row("cut_coronal", "Cut along the coronal slice"),
    _row("cut_sagittal", "Cut along the sagittal slice"),
    _row("cut_free", "Cut facing you", "D", "slice"),
    _row("flip_cuts", "Turn the cuts round", "Shift+D"),
    _row("cut_deeper", "Cut deeper", "Shift+Down", repeats=True),
    _row("cut_shallower", "Cut less deep", "Shift+Up", repeats=True),
    _row("no_cuts", "Take every cut, box and line away", "Shift+Backspace"),
    _row("slices", "Slices in space: none, outlines, pictures", "Y"),
    _row("surfaces", "Surfaces of masks", "O", "shapes"),
    _row("volume", "The volume itself", "V", "box"),
    _row("undo", "Undo in the volume view"),
    _row("redo", "Redo in the volume view"),
    _row("turn_left", "Turn to the left", "Left", repeats=True),
    _row("turn_right", "Turn to the right", "Right", repeats=True),
    _row("turn_up", "Turn up", "Up", repeats=True),
    _row("turn_down", "Turn down", "Down", repeats=True),
    _row("zoom_in", "Nearer", "+; =", repeats=True),
    _row("zoom_out", "Further away", "-", repeats=True),
    Row("volume.stand", "Stand", parameters=(Parameter("tile", "whole"),
        Parameter("state", "value"))),
    Row("volume.save_stl", "Save surfaces as STL…", "download",
        parameters=(Parameter("path", "text", is_required=False),)),
    Row("volume.save_stl_each", "Save every surface as an STL of its own…",
        parameters=(Parameter("folder", "text", is_required=False),)),
)  # fmt: skip
