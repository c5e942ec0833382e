"""Which files a source means, and none that lies outside of the data root."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from medallion.ingestion.errors import FileMissingError, NotAFileError, NotPermittedError, OutsideRootError
from medallion.sources import Files


@dataclass(frozen=True)
class DataFile:
    """A file under the data root. `name` is its path there, as people and the ledger know it."""

    name: str
    path: Path

    def open(self) -> BinaryIO:
        """Open it for reading. What has become a link or a pipe since it was resolved is refused, not followed."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except PermissionError:
            raise NotPermittedError(
                f"{self.name}: reading it is not permitted to this process. Give its user read access."
            ) from None
        except OSError as error:
            raise FileMissingError(f"{self.name}: it cannot be opened ({error.strerror}).") from error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise NotAFileError(f"{self.name} is a folder, a device or a pipe; name a file.")
        return os.fdopen(descriptor, "rb", buffering=0)


def resolve(root: Path, path: Path) -> DataFile:
    """The file at `path`, absolute or relative to `root`.

    Raises OutsideRootError where it lies outside of `root`, also by `..` or by a symbolic link; FileMissingError.
    """
    top = root.resolve()
    if "\0" in str(path) or ".." in path.parts:
        raise OutsideRootError(f"{str(path)!r}: a path with '..' is refused. Name the file by its path under {root}.")
    try:
        real = (root / path).resolve(strict=True)
    except FileNotFoundError:
        raise FileMissingError(f"{path}: there is no such file under {root}.") from None
    except PermissionError:
        raise NotPermittedError(f"{path}: this process may not look there. Give its user access.") from None
    except (OSError, RuntimeError) as error:  # a name too long, a loop of links
        raise FileMissingError(f"{path}: it cannot be opened ({error}).") from error
    if not real.is_relative_to(top):
        raise OutsideRootError(
            f"{path} leads out of the data root {root}. Copy the file there, or set ASSAY_DATA_ROOT to a folder above."
        )
    return DataFile(_name(root, top, path, real), real)


def find(root: Path, source: type[Files]) -> Sequence[Path]:
    """The paths that match the source's glob, relative to `root`, sorted by name. Raises FileMissingError for none."""
    if not root.is_dir():
        raise FileMissingError(
            f"The data root {root} is no folder. Make it, or set ASSAY_DATA_ROOT to the one you mean."
        )
    # Not is_file(): a link that leads out or nowhere is to be refused by name, not to be passed over in silence.
    found = sorted(path.relative_to(root) for path in root.glob(source.path) if not path.is_dir())
    if not found:
        raise FileMissingError(
            f"No file under {root} matches {source.path!r} (path of the source {source.__name__}). "
            "Put one there, or name files on the command line."
        )
    return found


def _name(root: Path, top: Path, path: Path, real: Path) -> str:
    if not path.is_absolute():
        return path.as_posix()
    for above in (root, top):
        if path.is_relative_to(above):
            return path.relative_to(above).as_posix()
    return real.relative_to(top).as_posix()
