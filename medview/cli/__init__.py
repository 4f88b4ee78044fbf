"""One thin module a command: parse, call the session, print, status.

A command module has `add_arguments(parser)` and `run(args) -> int`; `main.COMMANDS` names it.
Front door: `main.entry`.
"""
