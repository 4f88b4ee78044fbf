"""Masks made and changed by a reader: one-click nodules, brushes, growing, shapes between slices.

Arrays and core values in, arrays and core values out; nothing here knows a window or a file.
Front door: `nodule.measure_nodule`, and the modules `brush`, `grow`, `shape`, `masks`.
"""
