"""The demo study: two invented patients, made by code, nothing taken from anyone.

Anatomy as distances, tissue as Hounsfield units, a scanner, DICOM files, documents, and the truth.
Front door: `study.make_demo`, `study.DemoPaths`, `exams.DemoSize`, `exams.FULL`, `exams.SMALL`.
"""
