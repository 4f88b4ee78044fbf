"""The tools of a slice view: from the mouse to an intention, one module a tool, without Qt.

A tool gets pointers and speaks to a `Stage`. Front door: `base.Stage`, `table.tool_named`.
"""
