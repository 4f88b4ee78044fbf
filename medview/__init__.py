"""MedView: a desktop DICOM viewer that joins image, record and risk on one offline machine."""

__version__ = "0.1.0"
