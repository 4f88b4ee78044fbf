"""What is open and what was made: commands with undo, journal, events; joins the rooms below.

No Qt, no torch. Front door: `session.Session` with `studies`, `documents`, `analyses`, `book`,
`events`; `gather` and `reporting` do the same way for commands.
"""

from medview.session.made import FoundFinding
from medview.session.session import Session

__all__ = ["FoundFinding", "Session"]
