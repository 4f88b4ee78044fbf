"""DICOM objects that are no images: what they are, in one line, and what they refer to."""

from medview.dicom.objects.summary import study_object

__all__ = ["study_object"]
