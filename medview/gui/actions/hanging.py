"""The actions of hanging rules and of registration."""

from __future__ import annotations

from medview.gui.actions.row import Parameter, Row

HANGING_ROWS = (
    Row("layout.next_stage", "Next arrangement of the hanging", "chevron-right", "Ctrl+PgDown"),
    Row("layout.previous_stage", "Previous arrangement of the hanging", keys="Ctrl+PgUp"),
    Row("layout.hang_as_this", "Hang as this from now on", "save", "Ctrl+Shift+H"),
    Row("layout.forget_hanging", "Take the last change of a hanging rule back", "undo-2"),
    Row("layout.hanging_rules", "Hanging rules…", "layout-grid", "Ctrl+H"),
    Row("layout.hang", "Hang by a rule", parameters=(Parameter("rule", "text"),)),
    Row("layout.register", "Register the two series side by side", "target", "Ctrl+G"),
)  # fmt: skip
