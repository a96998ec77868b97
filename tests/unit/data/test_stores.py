"""Tables in object storage: read and written through fsspec, against a local S3-compatible server."""

from __future__ import annotations

import gc
import gzip
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthproof.core.errors import DataError, MissingExtraError, ReadError, SynthproofError, WorkspaceError
from synthproof.data import stores
from synthproof.data.table.chunks import open_chunks
from synthproof.data.table.io import read_table, write_table
from synthproof.pipeline.config import FitConfig, RunConfig
from synthproof.pipeline.face import comparable
from synthproof.pipeline.parts import fit_model, sample_model
from synthproof.pipeline.road import Road
from synthproof.pipeline.sources import source_digest, stem

KEY, SECRET = "AKIDSTEWARD", "secret-of-the-steward"


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    """A client of a server on loopback with one bucket; the credentials stand in the environment."""
    boto3 = pytest.importorskip("boto3")
    server_of = pytest.importorskip("moto.server").ThreadedMotoServer
    server = server_of(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", KEY)
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        client = boto3.client("s3")
        client.create_bucket(Bucket="ward")
        yield client
    server.stop()


@pytest.fixture
def people() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "나이": rng.integers(18, 90, 300),
            "sex": rng.choice(["F", "M"], 300),
            "amount": np.round(rng.normal(100, 20, 300), 2),
            "day": [f"2024-01-{d:02d}" for d in rng.integers(1, 29, 300)],
        }
    )


def keys(client: Any) -> set[str]:
    return {o["Key"] for o in client.list_objects_v2(Bucket="ward").get("Contents", [])}


def body(client: Any, key: str) -> bytes:
    data: bytes = client.get_object(Bucket="ward", Key=key)["Body"].read()
    return data


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".tsv", ".parquet", ".jsonl", ".jsonl.gz", ".xlsx"])
def test_a_table_comes_back_as_it_was_sent(s3: Any, people: pd.DataFrame, tmp_path: Path, suffix: str) -> None:
    table = read_table(people)
    (here,) = write_table(table, tmp_path / f"people{suffix}")
    (there,) = write_table(table, f"s3://ward/in/people{suffix}")
    assert there == f"s3://ward/in/people{suffix}"
    assert body(s3, f"in/people{suffix}") == here.read_bytes()
    a, b = read_table(str(there)), read_table(here)
    assert a.fingerprint() == b.fingerprint()
    assert a.origin == b.origin
    assert a.origin.name == f"people{suffix}"


def test_the_format_is_the_sources_when_the_name_says_none(s3: Any, people: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "people.csv.gz"
    path.write_bytes(gzip.compress(people.to_csv(index=False).encode()))
    assert write_table(read_table(path), "s3://ward/plain") == ("s3://ward/plain.csv.gz",)
    assert gzip.decompress(body(s3, "plain.csv.gz")).startswith("나이,sex,amount,day\n".encode())


def test_a_database_file_can_be_sent(s3: Any, people: pd.DataFrame) -> None:
    write_table(read_table(people), "s3://ward/people.db")
    assert body(s3, "people.db").startswith(b"SQLite format 3")
    with pytest.raises(ReadError, match="read/give-a-url"):
        read_table("s3://ward/people.db")


def test_what_fails_leaves_the_old_object(s3: Any, people: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    write_table(read_table(people), "s3://ward/kept.xlsx")
    before = body(s3, "kept.xlsx")
    odd = people.assign(sex=np.where(people["sex"] == "F", "F\x07", "M"))
    with pytest.raises(DataError, match="write/not-encodable"):
        write_table(read_table(odd), "s3://ward/kept.xlsx")
    assert body(s3, "kept.xlsx") == before

    # and the upload itself, broken off after its first part
    import s3fs

    calls: list[str] = []
    true = s3fs.S3FileSystem._call_s3

    async def torn(self: Any, method: str, *args: Any, **more: Any) -> Any:
        calls.append(method)
        if method == "upload_part" and more.get("PartNumber", 0) > 1:
            raise OSError("connection lost, AKIDSTEWARD")
        return await true(self, method, *args, **more)

    monkeypatch.setattr(s3fs.S3FileSystem, "_call_s3", torn)
    monkeypatch.setattr(s3fs.core, "calculate_chunksize", lambda size, chunksize=None: max(5 * 2**20, chunksize or 0))
    many = pd.DataFrame(np.random.default_rng(0).integers(0, 10**9, (60_000, 24)), columns=[f"c{i}" for i in range(24)])
    with pytest.raises(WorkspaceError, match="store/failed") as failed:
        write_table(read_table(many), "s3://ward/kept.csv")
    assert calls.count("upload_part") >= 2, "the file was too small to be sent in parts"
    assert "AKID" not in "".join(failed.value.text(lang) for lang in ("en", "ko"))
    assert failed.value.__cause__ is None
    assert "kept.csv" not in keys(s3)
    assert not s3.list_multipart_uploads(Bucket="ward").get("Uploads")


def test_errors_say_what_is_wrong_and_show_no_key(
    s3: Any, people: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = []
    with pytest.raises(ReadError, match="read/no-such-file") as error:
        read_table("s3://ward/nothing.csv")
    said.append(error.value)
    with pytest.raises(ReadError, match="read/is-a-folder") as folder:
        read_table("s3://ward/")
    said.append(folder.value)
    with pytest.raises(WorkspaceError, match="store/no-place") as place:
        write_table(read_table(people), "s3://no-such-bucket/x.csv")
    said.append(place.value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(SynthproofError, match="store/failed") as away:
        stores.source_key(f"s3://{KEY}:{SECRET}@ward/x.csv")
    said.append(away.value)
    assert away.value.where == "s3://ward/x.csv"
    for each in said:
        assert not [w for w in (KEY, SECRET) if w in each.text("en") + each.text("ko")]


def test_no_rights_are_told_apart_from_no_network(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import s3fs

    async def refused(self: Any, method: str, *args: Any, **more: Any) -> Any:
        raise PermissionError(f"{SECRET} is not allowed")

    monkeypatch.setattr(s3fs.S3FileSystem, "_call_s3", refused)
    with pytest.raises(ReadError, match="store/denied") as denied:
        read_table("s3://ward/in/people.csv")
    assert SECRET not in str(denied.value)


def test_addresses_are_shown_without_secrets() -> None:
    assert stores.shown("https://me:pass@host/a/b.csv?X-Amz-Signature=1234#x") == "https://host/a/b.csv"
    assert stores.shown("sftp://me:pass@host/a/b.csv") == "sftp://host/a/b.csv"
    assert stores.name_in_store("https://host/a/b.csv?sig=1/2") == "b.csv"
    assert stem("s3://ward/2024/people.v2.csv.gz") == "people"
    assert stem("https://host/") == "synthproof"


def test_databases_are_no_stores() -> None:
    for url in ("sqlite:///people.db", "postgresql+psycopg://me:pass@host/db", "duckdb:///x.duckdb"):
        assert not stores.is_store(url)
    assert not stores.is_store(Path("s3://ward/x.csv"))
    assert not stores.is_store("people.csv")


def test_another_object_under_the_same_name_is_another_source(s3: Any) -> None:
    s3.put_object(Bucket="ward", Key="changing.csv", Body=b"a,b\n1,2\n")
    first = source_digest("s3://ward/changing.csv")
    assert source_digest("s3://ward/changing.csv") == first
    s3.put_object(Bucket="ward", Key="changing.csv", Body=b"a,b\n1,3\n")
    assert source_digest("s3://ward/changing.csv") != first


def test_other_tools_data_may_lie_there_too(s3: Any, people: pd.DataFrame) -> None:
    table = read_table(people)
    s3.put_object(Bucket="ward", Key="theirs.csv", Body=people.drop(columns="day").to_csv(index=False).encode())
    assert "sex" in comparable(table, "s3://ward/theirs.csv")


def test_a_large_object_is_read_in_chunks_and_its_copy_forgotten(
    s3: Any, people: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    write_table(read_table(people), "s3://ward/many.parquet")
    chunked = open_chunks("s3://ward/many.parquet")
    whole = read_table("s3://ward/many.parquet")
    assert sum(c.n_rows for c in chunked.chunks(64)) == 300
    assert chunked.head(300).fingerprint() == whole.fingerprint()
    assert len(list(tmp_path.iterdir())) == 1
    del chunked
    gc.collect()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ReadError, match="read/not-in-chunks"):
        write_table(read_table(people), "s3://ward/many.xlsx")
        open_chunks("s3://ward/many.xlsx")
    assert list(tmp_path.iterdir()) == []


def test_a_model_learns_from_storage_and_draws_into_it(s3: Any, people: pd.DataFrame, tmp_path: Path) -> None:
    people.to_csv(tmp_path / "people.csv", index=False)
    s3.upload_file(str(tmp_path / "people.csv"), "ward", "people.csv")
    for source, folder in ((str(tmp_path / "people.csv"), "here"), ("s3://ward/people.csv", "there")):
        config = RunConfig(source=source, seed=3, fit=FitConfig(synthesizer="table.copula"))
        fit_model(config, tmp_path / folder)
    assert sample_model(tmp_path / "there", 500, "s3://ward/drawn.csv", seed=1) == ("s3://ward/drawn.csv",)
    (here,) = sample_model(tmp_path / "here", 500, tmp_path / "drawn.csv", seed=1)
    assert body(s3, "drawn.csv") == Path(here).read_bytes()
    with pytest.raises(WorkspaceError, match="workspace/local-only"):
        fit_model(config, Path("s3://ward/model"))


def test_stores_that_show_half_a_file_get_it_under_another_name(tmp_path: Path, people: pd.DataFrame) -> None:
    target = tmp_path / "out" / "people.csv"
    written = write_table(read_table(people), f"file://{target}")
    assert written == (f"file://{target}",)
    assert [p.name for p in target.parent.iterdir()] == ["people.csv"]
    assert read_table(f"file://{target}").n_rows == 300


def test_a_failed_move_leaves_nothing(monkeypatch: pytest.MonkeyPatch, people: pd.DataFrame) -> None:
    fsspec = pytest.importorskip("fsspec")
    files = fsspec.filesystem("memory")

    def torn(*_: Any, **__: Any) -> None:
        raise OSError("no")

    monkeypatch.setattr(type(files), "mv", torn)
    with pytest.raises(WorkspaceError, match="store/failed"):
        write_table(read_table(people), "memory://folder/people.csv")
    assert files.ls("/folder", detail=False) == []


def test_without_the_extra_the_way_to_install_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'synthproof\[cloud\]'"):
        read_table("s3://ward/people.csv")


def test_without_the_driver_the_way_to_install_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("fsspec")
    import fsspec.core

    def lacking(url: str, **_: Any) -> Any:
        raise ImportError("Install it")

    monkeypatch.setattr(fsspec.core, "url_to_fs", lacking)
    with pytest.raises(MissingExtraError, match=r"synthproof\[cloud\]"):
        read_table("s3://ward/people.csv")
    with pytest.raises(MissingExtraError, match="gcsfs"):
        read_table("gs://ward/people.csv")


def test_folders_stay_here(tmp_path: Path, people: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    from synthproof.core.files import refuse_url, whole_folder

    monkeypatch.chdir(tmp_path)
    with pytest.raises(WorkspaceError, match="workspace/local-only"):
        Road(RunConfig(source="people.csv", out="s3://ward/run"))
    with (
        pytest.raises(WorkspaceError, match="workspace/local-only") as said,
        whole_folder(Path(f"s3://{KEY}:x@ward/m")),
    ):
        pass
    assert said.value.where == "s3://ward/m"
    for usual in ("out", "a:b/c", "C:/data", "/tmp/a:/b"):
        refuse_url(Path(usual))
    assert list(tmp_path.iterdir()) == []
