"""Photos on their way in: recognised by content, made small, and stripped of everything but the picture."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from PIL import Image, ImageOps

MAX_BYTES = 5 * 1024 * 1024
MAX_COUNT = 6
MAX_PIXELS = 50_000_000  # refused by its header, before a small file unfolds into gigabytes
LONGEST_SIDE = 2560
FORMATS = ("JPEG", "PNG", "WEBP")


@dataclass(frozen=True)
class Photo:
    """A clean JPEG."""

    content: bytes
    sha256: str


def clean_photos(uploads: Sequence[UploadedFile], *, already: int = 0) -> list[Photo]:
    """Return the uploads as clean JPEGs, each picture once; `already` is how many the issue has.

    Raises ValidationError, naming the file, where there are too many, one is too large, or one is no picture.
    """
    if already + len(uploads) > MAX_COUNT:
        raise ValidationError(_("An issue takes at most %(count)d photos.") % {"count": MAX_COUNT})
    photos = {photo.sha256: photo for photo in map(clean_photo, uploads)}
    return list(photos.values())


def clean_photo(upload: UploadedFile) -> Photo:
    """Re-encode one upload as a JPEG of at most LONGEST_SIDE pixels, upright, without EXIF, GPS or hidden payloads.

    Raises ValidationError where it is too large or not a JPEG, PNG or WebP picture, whatever its name claims.
    """
    name = {"name": (upload.name or "")[:60]}
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
    return Photo(content, hashlib.sha256(content).hexdigest())
