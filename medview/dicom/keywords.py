"""Which elements are read, by keyword, and the names of transfer syntaxes and SOP classes."""

from __future__ import annotations

from functools import cache

from pydicom.datadict import dictionary_VR, tag_for_keyword

# Series.header holds these, where the first instance of the series has them (texts decoded,
# several values joined with a backslash as in the file).
HEADER_KEYWORDS = (
    "SOPClassUID", "ImageType", "StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate",
    "StudyTime", "SeriesTime", "AcquisitionTime", "ContentTime", "AccessionNumber", "Modality",
    "Manufacturer", "InstitutionName", "StudyDescription", "SeriesDescription",
    "ManufacturerModelName", "PatientName", "PatientID", "PatientBirthDate", "PatientSex",
    "PatientAge", "PatientSize", "PatientWeight", "PatientSpeciesDescription",
    "PatientBreedDescription", "AcquisitionDeviceProcessingDescription",
    "ContrastBolusAgent", "BodyPartExamined", "ScanningSequence", "SequenceVariant",
    "ScanOptions", "SequenceName", "SliceThickness", "KVP", "RepetitionTime", "EchoTime",
    "InversionTime", "FlipAngle", "MagneticFieldStrength", "SpacingBetweenSlices", "ProtocolName",
    "ConvolutionKernel", "PatientPosition", "ViewPosition", "ImagerPixelSpacing",
    "XRayTubeCurrent", "Exposure", "ExposureTime", "StudyID", "SeriesNumber",
    "PatientOrientation", "FrameOfReferenceUID", "Laterality", "ImageLaterality",
    "PhotometricInterpretation", "PixelSpacing", "BurnedInAnnotation", "LossyImageCompression",
    "LossyImageCompressionRatio", "ReferringPhysicianName", "OperatorsName", "Units",
    "CorrectedImage", "DecayCorrection", "PresentationIntentType", "AcquisitionNumber",
    "FrameTime", "FrameTimeVector", "CineRate", "RecommendedDisplayFrameRate",
    "PreferredPlaybackSequencing",
)  # fmt: skip

# What sorting, geometry and pixels need besides.
_TECHNICAL = (
    "SpecificCharacterSet", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID",
    "InstanceNumber", "ImagePositionPatient", "ImageOrientationPatient", "SamplesPerPixel",
    "PlanarConfiguration", "NumberOfFrames", "Rows", "Columns", "PixelAspectRatio",
    "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelPaddingValue",
    "PixelPaddingRangeLimit", "FloatPixelPaddingValue", "FloatPixelPaddingRangeLimit",
    "DoubleFloatPixelPaddingValue", "DoubleFloatPixelPaddingRangeLimit", "WindowCenter",
    "WindowWidth", "WindowCenterWidthExplanation", "RescaleIntercept", "RescaleSlope",
    "RescaleType", "ModalityLUTSequence", "VOILUTFunction", "VOILUTSequence",
    "RedPaletteColorLookupTableDescriptor", "GreenPaletteColorLookupTableDescriptor",
    "BluePaletteColorLookupTableDescriptor", "RedPaletteColorLookupTableData",
    "GreenPaletteColorLookupTableData", "BluePaletteColorLookupTableData",
    "SegmentedRedPaletteColorLookupTableData", "SegmentedGreenPaletteColorLookupTableData",
    "SegmentedBluePaletteColorLookupTableData", "PixelSpacingCalibrationType",
    "EstimatedRadiographicMagnificationFactor", "DistanceSourceToDetector",
    "DistanceSourceToPatient", "NominalScannedPixelSpacing", "PresentationLUTShape",
    "EchoNumbers", "TemporalPositionIdentifier", "TriggerTime", "DiffusionBValue",
    "DiffusionGradientOrientation", "FrameReferenceTime", "GantryDetectorTilt",
    "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
    "SequenceOfUltrasoundRegions", "SegmentSequence", "ConceptNameCodeSequence",
    "ContentSequence", "ReferencedSeriesSequence", "CurrentRequestedProcedureEvidenceSequence",
    "StructureSetROISequence", "BeamSequence", "DocumentTitle", "MIMETypeOfEncapsulatedDocument",
    "WaveformSequence", "ContentLabel", "ContentDescription", "ReferencedImageSequence",
    "ReferencedFrameOfReferenceSequence", "ReferencedStructureSetSequence",
    "ReferencedRTPlanSequence", "DoseUnits", "CompletionFlag", "VerificationFlag",
    "SegmentationType", "ExtendedOffsetTable", "ExtendedOffsetTableLengths",
    "IssuerOfPatientID", "TotalPixelMatrixColumns",
    "TotalPixelMatrixRows", "SourceImageSequence", "DerivationDescription",
    "IonBeamSequence", "AnnotationGroupSequence", "RealWorldValueMappingSequence",
    "ReferencedImageRealWorldValueMappingSequence", "RegistrationSequence",
    "MediaStorageSOPClassUID", "TransferSyntaxUID",
    "RadiopharmaceuticalInformationSequence", "SUVType", "AttenuationCorrected",
    "DecayCorrected", "DecayCorrectionDateTime", "DetectorInformationSequence",
    "EnergyWindowVector", "DetectorVector", "PhaseVector", "RotationVector", "RRIntervalVector",
    "TimeSlotVector", "SliceVector", "ViewCodeSequence", "AcquisitionDateTime",
    "ShutterShape", "ShutterLeftVerticalEdge", "ShutterRightVerticalEdge",
    "ShutterUpperHorizontalEdge", "ShutterLowerHorizontalEdge", "CenterOfCircularShutter",
    "RadiusOfCircularShutter", "VerticesOfThePolygonalShutter", "ShutterOverlayGroup",
)  # fmt: skip

# Private elements that tell the volumes of a diffusion series apart; with their creators, and the
# maker by which they are known where an anonymiser has stripped these.
PRIVATE_B_VALUES = (
    (0x0019100C, "SIEMENS MR HEADER", "SIEMENS"),
    (0x20011003, "Philips Imaging DD 001", "PHILIPS"),
    (0x00431039, "GEMS_PARM_01", "GE"),
)
MOSAIC_COUNT = (0x0019100A, "SIEMENS MR HEADER")
CSA_IMAGE_HEADER = (0x00291010, "SIEMENS CSA HEADER")
PHILIPS_SUV = (0x70531000, "Philips PET Private Group")
PHILIPS_ACTIVITY = (0x70531009, "Philips PET Private Group")
GE_SCAN_TIME = (0x0009100D, "GEMS_PETD_01")
# Philips' own rescale (slope, intercept), used where the standard one is absent.
PHILIPS_MR_SCALE = (0x2005100E, 0x2005100D, "Philips MR Imaging DD 001")
# Overlay planes: 16 repeating groups (PS3.5 7.6); whether one is there is seen from its rows.
OVERLAY_GROUPS = tuple(0x60000000 + (n << 17) for n in range(16))
OVERLAY_ROWS = tuple(group | 0x0010 for group in OVERLAY_GROUPS)
_PRIVATE = (*PRIVATE_B_VALUES, MOSAIC_COUNT, PHILIPS_SUV, PHILIPS_ACTIVITY,
            GE_SCAN_TIME)  # fmt: skip


@cache
def tag_of(keyword: str) -> int:
    """The tag of a keyword of the DICOM dictionary."""
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise KeyError(keyword)
    return int(tag)


# What makes modality values of stored ones, the block of Philips' private elements included.
RESCALE_TAGS = (
    tag_of("RescaleSlope"), tag_of("RescaleIntercept"), *PHILIPS_MR_SCALE[:2],
    (PHILIPS_MR_SCALE[0] & 0xFFFF0000) | 0x10,
)  # fmt: skip


@cache
def vr_of(tag: int) -> str:
    """The dictionary's value representation, UN for tags that it does not know."""
    try:
        return str(dictionary_VR(tag)).split(" or ", maxsplit=1)[0]
    except KeyError:
        return "UN"


@cache
def wanted_tags() -> frozenset[int]:
    """Every top-level tag whose value is kept while a header is walked."""
    standard = {tag_of(keyword) for keyword in HEADER_KEYWORDS + _TECHNICAL}
    private = {tag for tag, *_ in _PRIVATE} | set(PHILIPS_MR_SCALE[:2])
    creators = {(tag & 0xFFFF0000) | 0x10 for tag in private}
    return frozenset(standard | private | creators | set(OVERLAY_ROWS))
