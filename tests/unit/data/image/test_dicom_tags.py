from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

from synthproof.core.errors import ConfigError
from synthproof.data.image.dicom import library, read_dicom
from synthproof.data.image.dicom_tags import carried, deidentified, replaced_uid
from synthproof.data.image.dicom_write import write_dicom

CANARY = "QZXCANARY"
PICTURE = np.arange(24 * 20, dtype=np.uint8).reshape(24, 20)
_NAMES = """PatientName PatientID OtherPatientIDs PatientAddress PatientComments PatientBirthName
PatientMotherBirthName PatientTelephoneNumbers MedicalRecordLocator EthnicGroup Occupation AdditionalPatientHistory
InstitutionName InstitutionAddress InstitutionalDepartmentName StationName ReferringPhysicianName
PerformingPhysicianName OperatorsName NameOfPhysiciansReadingStudy PhysiciansOfRecord RequestingPhysician
StudyDescription SeriesDescription ProtocolName ImageComments StudyID AccessionNumber DeviceSerialNumber
AdmissionID AdmittingDiagnosesDescription DerivationDescription RequestedProcedureDescription
ResponsiblePerson BodyPartExamined ViewPosition Laterality FilterType ManufacturerModelName
SoftwareVersions PerformedProcedureStepDescription ClinicalTrialSubjectID RescaleType ContentLabel"""
NAMES = _NAMES.split()


def planted(tmp_path: Path) -> Path:
    path = write_dicom(PICTURE, tmp_path / "x.dcm", klass="c", seed=1, index=2, model="sha256:0")
    d = dcmread(path)
    for i, name in enumerate(NAMES):
        setattr(d, name, f"{CANARY}{i}" if name not in {"ContentLabel"} else CANARY)
    d.PatientBirthDate, d.StudyDate, d.AcquisitionDateTime = "19560312", "20240105", "20240105101112"
    d.KVP, d.InstanceNumber, d.SliceThickness = "80", "7", "2.5"
    d.StudyInstanceUID, d.SeriesInstanceUID, d.SOPInstanceUID = "1.9.19560312.1", "1.9.19560312.2", "1.9.19560312.3"
    d.file_meta.MediaStorageSOPInstanceUID = d.SOPInstanceUID
    d.file_meta.SourceApplicationEntityTitle = CANARY
    block = d.private_block(0x0029, f"{CANARY} CREATOR", create=True)
    block.add_new(0x01, "LO", f"{CANARY} private")
    block.add_new(0x02, "OB", CANARY.encode() + b"_")
    inner, outer = Dataset(), Dataset()
    inner.PatientName, inner.TextValue = f"{CANARY}^NESTED", f"{CANARY} deep"
    outer.ContentSequence, outer.CodeMeaning = Sequence([inner]), f"{CANARY} code"
    d.RequestAttributesSequence = Sequence([outer])
    kept = Dataset()  # a sequence that stays must be gone through
    kept.PixelSpacing, kept.PatientComments = [1, 1], f"{CANARY} in a kept sequence"
    kept.private_block(0x0031, f"{CANARY} C2", create=True).add_new(0x01, "LT", CANARY)
    shared = Dataset()
    shared.PixelMeasuresSequence = Sequence([kept])
    d.SharedFunctionalGroupsSequence = Sequence([shared])
    d.add_new(0x60003000, "OW", CANARY.encode() + b"_" * 51)
    d.add_new(0x60000022, "LO", f"{CANARY} overlay")
    d.add_new(0x50000022, "LO", f"{CANARY} curve")
    d.preamble = (CANARY * 20).encode()[:128]
    dcmwrite(path, d, enforce_file_format=True)
    return path


def test_what_a_file_carries_is_told_in_names_and_counts(tmp_path: Path) -> None:
    told = carried(dcmread(planted(tmp_path)))
    assert told.names["PatientName"] == 2, "the nested one counts"
    assert told.private == 5
    assert told.identifying >= 30
    assert told.attributes > told.identifying
    assert CANARY not in repr(told)


@pytest.mark.parametrize("profile", ["basic", "whitelist"])
def test_no_canary_survives(profile: str, tmp_path: Path) -> None:
    path = planted(tmp_path)
    assert len(NAMES) + 9 >= 40
    assert path.read_bytes().count(CANARY.encode()) >= 50
    before = path.read_bytes()
    source = dcmread(path)
    done = deidentified(source, profile, salt=b"s")
    out = tmp_path / "clean.dcm"
    dcmwrite(out, done.dataset, enforce_file_format=True)
    raw = out.read_bytes()
    for secret in (CANARY, "19560312", "20240105", "1.9."):
        assert secret.encode() not in raw, secret
    assert np.array_equal(read_dicom(out).frames[0], PICTURE)
    again = dcmread(out)
    assert again.PatientIdentityRemoved == "YES"
    assert again.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert ("KVP" in again) == (profile == "basic")
    assert done.counts["removed"] > 30
    assert path.read_bytes() == before
    assert str(source.PatientName).startswith(CANARY), "the data set given is left as it was"


def test_basic_keeps_what_a_valid_file_needs_and_series_together(tmp_path: Path) -> None:
    source = dcmread(planted(tmp_path))
    a, b = (deidentified(source, "basic", salt=b"one").dataset for _ in range(2))
    assert a.SeriesInstanceUID == b.SeriesInstanceUID != source.SeriesInstanceUID
    assert a.StudyInstanceUID != a.SeriesInstanceUID
    assert deidentified(source, "basic").dataset.SOPInstanceUID != a.SOPInstanceUID, "a salt of its own each time"
    assert a.file_meta.MediaStorageSOPInstanceUID == a.SOPInstanceUID
    assert a.PatientID == ""
    assert (str(a.KVP), str(a.InstanceNumber)) == ("80", "7")
    assert len(replaced_uid("1.2.3", b"s")) <= 64


def test_typed_numbers_and_words_are_cleaned(tmp_path: Path) -> None:
    d = dcmread(planted(tmp_path))
    d.BodyPartExamined, d.ViewPosition = "CHEST", "PA"
    d.InstanceNumber, d.KVP = "19560312", "80.5"
    done = deidentified(d, "basic")
    assert (done.dataset.BodyPartExamined, done.dataset.ViewPosition) == ("CHEST", "PA")
    assert "InstanceNumber" not in done.dataset, "a birth date in a number"
    assert done.counts["cleaned"] >= 1
    with pytest.raises(ConfigError) as caught:
        deidentified(d, "basics")
    assert "basic" in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [PICTURE, np.arange(63, dtype=np.uint16).reshape(7, 9, 1) * 1000, np.full((5, 7, 3), (1, 2, 250), np.uint8)],
    ids=["8 bit", "16 bit", "RGB"],
)
def test_written_files_say_that_they_are_synthetic(given: np.ndarray, tmp_path: Path) -> None:
    path = write_dicom(given, tmp_path / "s.dcm", klass="폐렴", seed=5, index=41, model="sha256:ab")
    d = dcmread(path)
    assert d.SOPClassUID == "1.2.840.10008.5.1.4.1.1.7"
    assert list(d.ImageType) == ["DERIVED", "SECONDARY"]
    for name in ("PatientID", "PatientName", "DerivationDescription", "ImageComments"):
        assert "SYNTHETIC" in str(d[name].value), name
    assert (d.BurnedInAnnotation, d.ConversionType, d.InstanceNumber) == ("NO", "SYN", 42)
    assert "class=폐렴; seed=5; index=41; model=sha256:ab" in d.ImageComments
    assert np.array_equal(d.pixel_array, given[..., 0] if given.shape[-1] == 1 else given)
    other = write_dicom(given, tmp_path / "t.dcm", klass="폐렴", seed=5, index=42, model="sha256:ab")
    assert dcmread(other).SOPInstanceUID != d.SOPInstanceUID
    assert dcmread(other).SeriesInstanceUID == d.SeriesInstanceUID
    if given.dtype == np.uint8:
        back = read_dicom(path)
        assert np.array_equal(back.frames[0], given)
        assert back.burned_in is False
    assert not list(tmp_path.glob("*.part"))


def test_unwritable_arrays_and_the_missing_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import builtins

    with pytest.raises(ConfigError) as caught:
        write_dicom(np.zeros((4, 4), np.float32), tmp_path / "f.dcm", klass="a", seed=0, index=0, model="m")  # type: ignore[arg-type]
    assert caught.value.code == "dicom/unwritable"
    real = builtins.__import__

    def without(name: str, *args: object, **kwargs: object) -> object:
        if name == "pydicom":
            raise ImportError(name)
        return real(name, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError) as missing:
        library()
    assert "synthproof[dicom]" in str(missing.value)


def test_overlay_planes_within_the_pixels_go(tmp_path: Path) -> None:
    from pydicom.uid import ExplicitVRBigEndian

    given = np.arange(24 * 20, dtype=np.uint16).reshape(24, 20)
    for syntax, kind in ((ExplicitVRLittleEndian, "<u2"), (ExplicitVRBigEndian, ">u2")):
        path = write_dicom(given, tmp_path / "x.dcm", klass="c", seed=1, index=2, model="sha256:0")
        d = dcmread(path)
        d.file_meta.TransferSyntaxUID, d.BitsStored, d.HighBit = syntax, 12, 11
        d.PixelData = (given | np.uint16(0b1010 << 12)).astype(kind).tobytes()
        before = bytes(d.PixelData)
        for element, value in ((0x10, 24), (0x11, 20), (0x100, 16), (0x102, 13)):
            d.add_new(0x60000000 | element, "US", value)
        clean = deidentified(d, "basic", salt=b"s")
        assert np.array_equal(np.frombuffer(clean.dataset.PixelData, dtype=kind).reshape(24, 20), given)
        assert clean.counts["planes_cleared"] == 1
        assert d.PixelData == before, "what was given is not changed"
        del d[0x60000102]
        assert "planes_cleared" not in deidentified(d, "basic", salt=b"s").counts
