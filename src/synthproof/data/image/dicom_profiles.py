"""Which DICOM attributes stay, by profile. Everything that no list names goes: a new attribute cannot slip through.

Categories after DICOM PS3.15 Annex E (Basic Application Level Confidentiality Profile): removed, emptied, replaced
(identifiers of objects), cleaned (free text and codes), kept. We keep less than the standard allows: no date, no free
text, no device, whatever option one might have chosen there.
"""

from __future__ import annotations

from typing import Literal

Profile = Literal["whitelist", "basic"]
PROFILES: tuple[Profile, ...] = ("whitelist", "basic")

PICTURE = frozenset(
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
    """.split()
)
"""What is needed to draw the picture. The whitelist keeps these alone."""

TECHNIQUE = frozenset(
    """
    ImageType SpecificCharacterSet ImagerPixelSpacing NominalScannedPixelSpacing SliceThickness SpacingBetweenSlices
    ImagePositionPatient ImageOrientationPatient SliceLocation PatientPosition PatientOrientation ViewPosition
    Laterality ImageLaterality BodyPartExamined KVP ExposureTime XRayTubeCurrent Exposure ExposureInuAs
    DistanceSourceToDetector DistanceSourceToPatient FilterType FocalSpots AnodeTargetMaterial BodyPartThickness
    CompressionForce Grid EchoTime RepetitionTime InversionTime FlipAngle MagneticFieldStrength NumberOfAverages
    ScanningSequence SequenceVariant MRAcquisitionType ReconstructionDiameter GantryDetectorTilt ConversionType
    InstanceNumber SeriesNumber AcquisitionNumber FrameTime CineRate LossyImageCompression PlanePositionSequence
    PlaneOrientationSequence FrameContentSequence StackID InStackPositionNumber TemporalPositionIndex
    """.split()
)
"""What the basic profile keeps beside them: how the picture was taken."""

EMPTIED = frozenset(
    """
    PatientID PatientName PatientBirthDate PatientSex StudyDate StudyTime StudyID AccessionNumber
    ReferringPhysicianName ContentDate ContentTime
    """.split()
)
"""Attributes that must stand in a valid file (type 2): present, without a value."""

REPLACED = frozenset(
    """
    SOPInstanceUID StudyInstanceUID SeriesInstanceUID FrameOfReferenceUID SynchronizationFrameOfReferenceUID
    ReferencedSOPInstanceUID
    """.split()
)
"""Identifiers of objects: replaced by others, alike in every file that is treated with one salt."""

IDENTIFYING = frozenset(
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
    """.split()
)
"""Names that are counted as identifying when a file is looked at; personal names and dates count by their type."""

WORDS = frozenset(
    """
    PhotometricInterpretation VOILUTFunction RescaleType ModalityLUTType PresentationLUTShape
    PixelIntensityRelationship BurnedInAnnotation RecognizableVisualFeatures LossyImageCompression
    LossyImageCompressionMethod Modality ImageType SpecificCharacterSet PatientPosition PatientOrientation
    ViewPosition Laterality ImageLaterality BodyPartExamined FilterType AnodeTargetMaterial Grid ScanningSequence
    SequenceVariant MRAcquisitionType ConversionType StackID
    """.split()
)
"""Kept attributes that hold a word. A word stays only in the shape of the standard's terms, without a number in it."""

__all__ = ["EMPTIED", "IDENTIFYING", "PICTURE", "PROFILES", "REPLACED", "TECHNIQUE", "WORDS", "Profile"]
