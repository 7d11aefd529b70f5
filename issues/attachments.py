"""Files on their way in: recognised by content. Photos are made anew, stripped of everything but the picture; papers
are checked and kept as they came."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from PIL import Image, ImageOps

from issues import documents

MAX_BYTES = 5 * 1024 * 1024
MAX_COUNT = 6  # with one step
MAX_OF_ISSUE = 40
MAX_PIXELS = 50_000_000  # refused by its header, before a small file unfolds into gigabytes
LONGEST_SIDE = 2560
FORMATS = ("JPEG", "PNG", "WEBP")
PICTURE_STARTS = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF")
JPEG = "image/jpeg"
ENDINGS = {JPEG: "jpg", **documents.ENDINGS}
ACCEPT_PHOTOS = "image/jpeg,image/png,image/webp"
ACCEPT = f"{ACCEPT_PHOTOS},.pdf,.docx,.xlsx"
MAX_NAME = 80
# What no file name may hold: control and direction marks (which make exe.fdp look like a .pdf), and path characters.
NOT_IN_NAMES = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff\"*/:<>?\\|]")


@dataclass(frozen=True)
class CleanFile:
    """What is stored of an upload: a JPEG without a name, or a paper under its own name."""

    content: bytes
    sha256: str
    content_type: str
    name: str = ""

    def as_fields(self) -> dict[str, Any]:
        """What a row of a StoredFile (issues/models) takes: the bytes under a name made of their digest, and what they
        are."""
        return {
            "file": ContentFile(self.content, name=f"{self.sha256[:16]}.{ENDINGS[self.content_type]}"),
            "content_type": self.content_type,
            "name": self.name,
            "sha256": self.sha256,
            "size": len(self.content),
        }


def clean_photos(uploads: Sequence[UploadedFile], *, already: int = 0) -> list[CleanFile]:
    """Return the uploads as clean JPEGs, each picture once; `already` is how many the issue has.

    Raises ValidationError, naming the file, where there are too many, one is too large, or one is no picture.
    """
    if already + len(uploads) > MAX_COUNT:
        raise ValidationError(_("An issue takes at most %(count)d photos.") % {"count": MAX_COUNT})
    return _once([clean_photo(upload) for upload in uploads])


def clean_files(uploads: Sequence[UploadedFile], *, already: int = 0) -> list[CleanFile]:
    """Return the evidence of one step: pictures as clean JPEGs, papers as they came, each content once.

    `already` is how many files the issue has. Raises ValidationError, naming the file, where there are too many, one is
    too large, or one is neither a picture nor a PDF, .docx or .xlsx in which nothing can run.
    """
    if len(uploads) > MAX_COUNT:
        raise ValidationError(_("Add at most %(count)d files with one step.") % {"count": MAX_COUNT})
    if already + len(uploads) > MAX_OF_ISSUE:
        raise ValidationError(_("An issue takes at most %(count)d files.") % {"count": MAX_OF_ISSUE})
    return _once([clean_file(upload) for upload in uploads])


def _once(files: Sequence[CleanFile]) -> list[CleanFile]:
    return list({file.sha256: file for file in files}.values())


def clean_file(upload: UploadedFile) -> CleanFile:
    """Return one upload as it is stored: see clean_photo and documents.content_type_of. Raises ValidationError."""
    upload.seek(0)
    if upload.read(8).startswith(PICTURE_STARTS):
        return clean_photo(upload)
    name = shown_name(upload)
    if not upload.size or upload.size > documents.MAX_BYTES:
        raise ValidationError(_("%(name)s: a file must not be empty or larger than 10 MB.") % {"name": name})
    upload.seek(0)
    content = upload.read()
    content_type = documents.content_type_of(content, name)
    stem = name.rpartition(".")[0] or name
    stored_name = f"{stem[:MAX_NAME]}.{ENDINGS[content_type]}"
    return CleanFile(content, hashlib.sha256(content).hexdigest(), content_type, stored_name)


def shown_name(upload: UploadedFile) -> str:
    """Return the upload's own name as it may be shown and stored; "file" where nothing of it is left."""
    return NOT_IN_NAMES.sub("", upload.name or "").strip(". ")[-MAX_NAME:] or _("file")


def clean_photo(upload: UploadedFile) -> CleanFile:
    """Re-encode one upload as a JPEG of at most LONGEST_SIDE pixels, upright, without EXIF, GPS or hidden payloads.

    Raises ValidationError where it is too large or not a JPEG, PNG or WebP picture, whatever its name claims.
    """
    name = {"name": shown_name(upload)}
    if not upload.size or upload.size > MAX_BYTES:
        raise ValidationError(_("%(name)s: a photo must not be empty or larger than 5 MB.") % name)
    try:
        upload.seek(0)
        image = Image.open(io.BytesIO(upload.read()), formats=FORMATS)
        if image.width * image.height > MAX_PIXELS:
            raise ValidationError(_("%(name)s: the picture has too many pixels. Send a smaller one.") % name)
        image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
        upright = ImageOps.exif_transpose(image)
        upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        if upright.mode not in ("RGB", "L"):
            rgba = upright.convert("RGBA")
            upright = Image.new("RGB", rgba.size, "white")
            upright.paste(rgba, mask=rgba.getchannel("A"))
        out = io.BytesIO()
        # a fresh image carries no metadata over, whatever the source held
        clean = Image.new(upright.mode, upright.size)
        clean.paste(upright)
        clean.save(out, "JPEG", quality=85)
    except ValidationError:
        raise
    except Exception as error:  # Pillow's decoders raise many kinds for a broken file; all mean the same here
        raise ValidationError(_("%(name)s is not a JPEG, PNG or WebP picture.") % name) from error
    content = out.getvalue()
    return CleanFile(content, hashlib.sha256(content).hexdigest(), JPEG)
