"""Which DICOM attributes stay, by profile. Everything that no list names goes: a new attribute cannot slip through.

Categories after DICOM PS3.15 Annex E (Basic Application Level Confidentiality Profile): removed, emptied, replaced
(identifiers of objects), cleaned (free text and codes), kept. We keep less than the standard allows: no date, no free
text, no device, whatever option one might have chosen there.
"""

from __future__ import annotations

from typing import Literal


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


Profile = Literal["whitelist", "basic"]
PROFILES: tuple[Profile, ...] = ("whitelist", "basic")

PICTURE = _names(
    """
    SOPClassUID SamplesPerPixel PhotometricInterpretation PlanarConfiguration NumberOfFrames Rows Columns BitsAllocated
    BitsStored HighBit PixelRepresentation SmallestImagePixelValue LargestImagePixelValue PixelPaddingValue
    PixelPaddingRangeLimit PixelAspectRatio PixelData WindowCenter WindowWidth VOILUTFunction RescaleIntercept
    RescaleSlope RescaleType ModalityLUTSequence VOILUTSequence LUTDescriptor LUTData ModalityLUTType
    PresentationLUTShape RedPaletteColorLookupTableDescriptor GreenPaletteColorLookupTableDescriptor
    BluePaletteColorLookupTableDescriptor RedPaletteColorLookupTableData GreenPaletteColorLookupTableData
    BluePaletteColorLookupTableData PixelIntensityRelationship PixelIntensityRelationshipSign BurnedInAnnotation
    RecognizableVisualFeatures LossyImageCompression LossyImageCompressionRatio LossyImageCompressionMethod
    PerFrameFunctionalGroupsSequence SharedFunctionalGroupsSequence FrameVOILUTSequence PixelMeasuresSequence
    PixelValueTransformationSequence PixelSpacing Modality
    """
)
"""What is needed to draw the picture. The whitelist keeps these alone."""

TECHNIQUE = _names(
    """
    ImageType SpecificCharacterSet ImagerPixelSpacing NominalScannedPixelSpacing SliceThickness SpacingBetweenSlices
    ImagePositionPatient ImageOrientationPatient SliceLocation PatientPosition PatientOrientation ViewPosition
    Laterality ImageLaterality BodyPartExamined KVP ExposureTime XRayTubeCurrent Exposure ExposureInuAs
    DistanceSourceToDetector DistanceSourceToPatient FilterType FocalSpots AnodeTargetMaterial BodyPartThickness
    CompressionForce Grid EchoTime RepetitionTime InversionTime FlipAngle MagneticFieldStrength NumberOfAverages
    ScanningSequence SequenceVariant MRAcquisitionType ReconstructionDiameter GantryDetectorTilt ConversionType
    InstanceNumber SeriesNumber AcquisitionNumber FrameTime CineRate LossyImageCompression PlanePositionSequence
    PlaneOrientationSequence FrameContentSequence StackID InStackPositionNumber TemporalPositionIndex
    """
)
"""What the basic profile keeps beside them: how the picture was taken."""

EMPTIED = _names(
    """
    PatientID PatientName PatientBirthDate PatientSex StudyDate StudyTime StudyID AccessionNumber
    ReferringPhysicianName ContentDate ContentTime
    """
)
"""Attributes that must stand in a valid file (type 2): present, without a value."""

REPLACED = _names(
    """
    SOPInstanceUID StudyInstanceUID SeriesInstanceUID FrameOfReferenceUID SynchronizationFrameOfReferenceUID
    ReferencedSOPInstanceUID
    """
)
"""Identifiers of objects: replaced by others, alike in every file that is treated with one salt."""

IDENTIFYING = _names(
    """
    AccessionNumber AcquisitionDate AcquisitionDateTime AcquisitionTime AdditionalPatientHistory AdmissionID
    AdmittingDate AdmittingDiagnosesDescription Allergies ClinicalTrialSubjectID ContentDate ContentTime
    CountryOfResidence CurrentPatientLocation DeviceSerialNumber DeviceUID EthnicGroup ImageComments InstitutionAddress
    InstitutionName InstitutionalDepartmentName IssuerOfPatientID MedicalAlerts MedicalRecordLocator MilitaryRank
    NameOfPhysiciansReadingStudy Occupation OperatorsName OtherPatientIDs OtherPatientIDsSequence OtherPatientNames
    PatientAddress PatientAge PatientBirthDate PatientBirthName PatientBirthTime PatientComments PatientID
    PatientInsurancePlanCodeSequence PatientMotherBirthName PatientName PatientReligiousPreference PatientSex
    PatientSize PatientState PatientTelephoneNumbers PatientTelecomInformation PatientWeight
    PerformedProcedureStepDescription PerformingPhysicianName PhysiciansOfRecord PregnancyStatus ProtocolName
    ReferringPhysicianAddress ReferringPhysicianName ReferringPhysicianTelephoneNumbers RegionOfResidence
    RequestAttributesSequence RequestedProcedureDescription RequestingPhysician RequestingService
    ResponsibleOrganization ResponsiblePerson ReviewerName SOPInstanceUID ScheduledPerformingPhysicianName SeriesDate
    SeriesDescription SeriesInstanceUID SeriesTime SmokingStatus StationName StudyComments StudyDate StudyDescription
    StudyID StudyInstanceUID StudyTime
    """
)
"""Names that are counted as identifying when a file is looked at; personal names and dates count by their type."""

WORDS = _names(
    """
    PhotometricInterpretation VOILUTFunction RescaleType ModalityLUTType PresentationLUTShape
    PixelIntensityRelationship BurnedInAnnotation RecognizableVisualFeatures LossyImageCompression
    LossyImageCompressionMethod Modality ImageType SpecificCharacterSet PatientPosition PatientOrientation
    ViewPosition Laterality ImageLaterality BodyPartExamined FilterType AnodeTargetMaterial Grid ScanningSequence
    SequenceVariant MRAcquisitionType ConversionType StackID
    """
)
"""Kept attributes that hold a word. A word stays only if it is one of `TERMS`: anyone may have typed a name there."""

TERMS = _names(
    """
    MONOCHROME1 MONOCHROME2 RGB YBR_FULL YBR_FULL_422 YBR_PARTIAL_420 YBR_ICT YBR_RCT LINEAR LINEAR_EXACT SIGMOID HU OD
    US MGML Z_EFF ED EDW PCT IDENTITY INVERSE LIN LOG DISP YES NO 00 01 ISO_10918_1 ISO_14495_1 ISO_15444_1 ISO_13818_1
    CR DX CT MR US XA RF MG NM PT PX IO OT SC OP OPT ES ECG XC SM GM DG RG BI BMD TG RTIMAGE
    ORIGINAL DERIVED PRIMARY SECONDARY AXIAL LOCALIZER M P R I MPR PROJECTION VOLUME NONE
    HFP HFS HFDR HFDL FFDR FFDL FFP FFS LFP LFS RFP RFS AFDR AFDL PFDR PFDL L A H F LA LP RA RP LH LF RH RF AP PA LL RL
    LLD RLD LLO RLO CC ML MLO LM XCC U B
    ABDOMEN ABDOMENPELVIS ANKLE ARM BLADDER BONE BRAIN BREAST CHEST CLAVICLE COCCYX CSPINE ELBOW EXTREMITY EYE FINGER
    FOOT FOREARM HAND HEAD HEART HIP HUMERUS JAW KNEE LEG LIVER LSPINE LUNG MANDIBLE MAXILLA NECK ORBIT PELVIS SHOULDER
    SKULL SPINE SSPINE TOOTH TEETH THORAX THIGH TOE TSPINE UTERUS WHOLEBODY WRIST
    STRIP WEDGE BUTTERFLY MULTIPLE FLAT TUNGSTEN MOLYBDENUM RHODIUM FIXED FOCUSED PARALLEL RECIPROCATING NONE
    SE IR GR EP RM SK MTC SS TRSS SP MP OSP 2D 3D DV DI DF WSD SD SI DRW SYN
    """
)
"""Words of the standard that the kept attributes may hold."""

__all__ = ["EMPTIED", "IDENTIFYING", "PICTURE", "PROFILES", "REPLACED", "TECHNIQUE", "TERMS", "WORDS", "Profile"]
