"""Upload: a file from a browser, written under the data root as it arrives and no further than its source allows."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest

from lineage.connections import work_connection
from medallion.ingestion.errors import IngestionError
from medallion.ingestion.ingest import Failed, Ingested, ingest_file
from medallion.ingestion.pickup import UPLOADS
from medallion.ingestion.receiving import State, record
from medallion.ingestion.spec import BronzeSpec
from medallion.models import ReceivedFile


class CappedUpload(FileUploadHandler):
    """Writes the file into the folder of uploads; stops reading where it has more bytes than the cap."""

    def __init__(self, request: HttpRequest, root: Path, cap: int) -> None:
        super().__init__(request)
        self.folder, self.cap, self.exceeded = root / UPLOADS, cap, False
        self.size = 0
        self.out: Any = None  # the temporary file, while it is written

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.discard()
        self.folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        self.size = 0
        self.out = tempfile.NamedTemporaryFile(dir=self.folder, prefix=".upload-", delete=False)  # noqa: SIM115

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.size += len(raw_data)
        if self.size > self.cap or self.out is None:
            self.exceeded = True
            self.discard()
            raise StopUpload(connection_reset=True)
        self.out.write(raw_data)

    def file_complete(self, file_size: int) -> UploadedFile[Any] | None:
        if self.out is None:
            return None
        self.out.flush()
        return UploadedFile(self.out, self.file_name, self.content_type, file_size)

    def upload_interrupted(self) -> None:
        self.discard()

    def discard(self) -> None:
        """Takes away what was written and not kept."""
        if self.out is not None:
            self.out.close()
            Path(self.out.name).unlink(missing_ok=True)
            self.out = None


def keep(handler: CappedUpload, name: str) -> Path:
    """Gives the uploaded file its name in the folder of uploads; a name that means harm is made harmless."""
    if handler.out is None:
        raise ValueError("nothing was uploaded")
    harmless = re.sub(r"[^\w.-]", "_", Path(name).name).lstrip(".") or "file"
    kept = handler.folder / f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}_{harmless[-120:]}"
    handler.out.close()
    os.replace(handler.out.name, kept)  # noqa: PTH105
    handler.out = None
    return kept


def receive(spec: BronzeSpec, path: Path, root: Path, by: str) -> ReceivedFile:
    """Ingests an uploaded file and records what became of it. One that failed, or was known, is not kept."""
    found, name = path.stat(), path.relative_to(root).as_posix()
    result: Ingested | Failed
    with _kept_if_ingested(path) as outcome, work_connection("ingest") as connection:
        try:
            result = ingest_file(connection, spec, Path(name), root=root)
        except IngestionError as error:
            result = Failed(name, error)
        received = record(spec.target, name, found, result, by)
        outcome.append(received.state)
    return received


@contextmanager
def _kept_if_ingested(path: Path) -> Iterator[list[str]]:
    outcome: list[str] = []
    try:
        yield outcome
    finally:
        if outcome != [State.INGESTED]:
            path.unlink(missing_ok=True)
