"""Names that outlive a power cut: a new file is safe only once the folder that names it was synced."""

from __future__ import annotations

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Make the names in a folder safe. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path, mode: int = 0o700) -> None:
    """Make a folder and its parents where they are missing, each safe in the one above. Raises OSError.

    Everybody's mail will lie in it, so nobody but its owner may look in; the parents are as open as any.
    """
    if not folder.is_dir():
        make_folder(folder.parent, 0o777)
        folder.mkdir(mode, exist_ok=True)
        sync_folder(folder.parent)
