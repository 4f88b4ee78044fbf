"""Measures MedView against its peers; each module prints rows of the same form (`--json`)."""
