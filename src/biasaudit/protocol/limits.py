"""The section `cohort.limits` of a protocol: the largest files that are opened, and the largest images in them."""

from __future__ import annotations

from pydantic import Field

from biasaudit.protocol.section import Section

__all__ = ["FileLimits"]

_MEGABYTE = 1_000_000


class FileLimits(Section):
    """What a file may ask of this machine; larger ones are refused before they are read."""

    voxels: int = Field(500_000_000, ge=1, le=10**12, description="of one image file, all its volumes together")
    file_megabytes: int = Field(8000, ge=1, le=10**7, description="size of one image file, as stored")
    table_megabytes: int = Field(250, ge=1, le=10**5, description="size of one table")

    @property
    def file_bytes(self) -> int:
        """Largest image file."""
        return self.file_megabytes * _MEGABYTE

    @property
    def table_bytes(self) -> int:
        """Largest table."""
        return self.table_megabytes * _MEGABYTE
