"""Value types, units, errors, settings, log: what every room may know.

No image files, no Qt. Front door: the modules themselves (geometry, volume, study, results,
observation, words, errors, progress, shared, settings, log, paths).
"""
