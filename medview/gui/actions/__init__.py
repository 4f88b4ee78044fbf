"""Every action of the program, by a stable name: one row each in `table.ROWS`.

To add one: 1. `Row("group.name", "Title", ...)` in `table.py`, or in your module, joined there;
2. `window.actions_.connect("group.name", handler)`: it gets the row's parameters by name;
3. the title in your `zh_CN.d` file. Menus, palette, tooltips, key sheet and scripts follow.
`actions_.perform("group.name", **parameters)` does it from code.
"""

from medview.gui.actions.mouse import MOUSE
from medview.gui.actions.registry import Actions
from medview.gui.actions.row import GROUPS, Parameter, Row
from medview.gui.actions.table import ROWS

__all__ = ["GROUPS", "MOUSE", "ROWS", "Actions", "Parameter", "Row"]
