"""What the mouse does in the image views, for the key sheet and the guide."""

MOUSE = (
    ("Left drag", "active tool (window: across is width, up is level)"),
    ("Left drag on a measurement", "take it again: its handles or its line"),
    ("Shift + left drag", "crosshair"),
    ("Ctrl + left drag", "window of the upper layer of a fused view"),
    ("Middle drag, Space + left drag", "pan"),
    ("Right drag", "zoom"),
    ("Right click", "menu"),
    ("Left + right drag", "scroll fast"),
    ("Wheel", "next or previous slice"),
    ("Ctrl + wheel", "zoom at the pointer"),
    ("Shift + wheel", "ten slices, or a phase of a 4-D series"),
    ("Double click", "this view alone, and back"),
    ("Left drag in the volume", "turn it; or what scissors and box do"),
    ("Click in the volume", "the slices show that place"),
    ("Shift + wheel in the volume", "cuts deeper or less deep"),
)
