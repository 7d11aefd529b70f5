from __future__ import annotations

import io
import struct
import zlib

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from issues import attachments
from issues.models import Attachment, Issue
from tests.issues.make import category, issue_at

pytestmark = pytest.mark.django_db


def picture(kind="JPEG", size=(320, 240), mode="RGB", name="照片.jpg", **options):
    out = io.BytesIO()
    Image.new(mode, size, 120 if mode in ("L", "P") else (200, 120, 80, 90)[: len(mode)]).save(out, kind, **options)
    return SimpleUploadedFile(name, out.getvalue())


def with_gps():
    exif = Image.Exif()
    exif[0x010F] = "SECRET-CAMERA"
    exif[0x0112] = 6  # turned by 90 degrees
    exif.get_ifd(0x8825)[2] = (28.0, 12.0, 30.0)
    return picture(size=(320, 240), exif=exif)


@pytest.fixture
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.mark.parametrize(
    ("kind", "mode"), [("JPEG", "RGB"), ("JPEG", "L"), ("PNG", "RGBA"), ("PNG", "P"), ("WEBP", "RGB")]
)
def test_a_picture_becomes_a_clean_jpeg_whatever_it_was(kind, mode):
    clean = attachments.clean_photo(picture(kind, mode=mode, name="任意名字.bin"))
    image = Image.open(io.BytesIO(clean.content))
    assert (image.format, image.size) == ("JPEG", (320, 240))


def test_place_and_device_data_are_removed_and_the_picture_stands_upright():
    upload = with_gps()
    assert b"SECRET-CAMERA" in upload.read()
    clean = attachments.clean_photo(upload)
    image = Image.open(io.BytesIO(clean.content))
    assert image.size == (240, 320) and not dict(image.getexif())
    assert b"SECRET-CAMERA" not in clean.content and b"Exif" not in clean.content


def test_a_script_hidden_behind_a_picture_is_gone():
    upload = picture()
    hidden = SimpleUploadedFile("a.jpg", upload.read() + b"<script>alert(1)</script><?php system($_GET[0]); ?>")
    clean = attachments.clean_photo(hidden).content
    assert b"script" not in clean and b"php" not in clean


def test_a_large_picture_is_made_small():
    clean = attachments.clean_photo(picture(size=(4000, 3000)))
    assert Image.open(io.BytesIO(clean.content)).size == (2560, 1920)


def png_header_claiming(width, height):
    """A few bytes that say they are an enormous picture."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


BAD = {
    "program": b"MZ\x90\x00" + b"\0" * 200,
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "html": b"<html><script>alert(1)</script></html>",
    "empty": b"",
    "truncated": b"\xff\xd8\xff\xe0\x00\x10JFIF",
    "zip": b"PK\x03\x04" + b"\0" * 100,
    "gif": b"GIF89a\x01\x00\x01\x00\x80\x00\x00" + b"\0" * 40,
    "bomb": png_header_claiming(50_000, 50_000),
    "large": b"\xff\xd8\xff" + b"\0" * (5 * 1024 * 1024),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_picture_is_refused_whatever_its_name(cast, login, media, what):
    with pytest.raises(ValidationError):
        attachments.clean_photo(SimpleUploadedFile("照片.jpg", BAD[what], content_type="image/jpeg"))
    response = login(cast.township_admin).post(
        "/issues/new/",
        {
            "place": cast.shiqiao.pk,
            "category": category().pk,
            "kind": "need",
            "text": "村口路灯不亮",
            "photos": [picture(), SimpleUploadedFile("照片.jpg", BAD[what], content_type="image/jpeg")],
        },
    )
    assert response.status_code == 422 and "村口路灯不亮" in response.content.decode()
    assert not Issue.objects.exists() and not list(media.rglob("*.jpg"))


def test_seven_photos_are_too_many_and_six_are_not(cast, login, media):
    values = {"place": cast.shiqiao.pk, "category": category().pk, "kind": "need", "text": "路灯不亮"}
    client = login(cast.township_admin)
    assert client.post("/issues/new/", {**values, "photos": [picture() for _ in range(7)]}).status_code == 422
    assert not Issue.objects.exists()
    many = [picture(size=(100 + number, 80)) for number in range(6)]
    assert client.post("/issues/new/", {**values, "photos": many}).status_code == 302
    assert Issue.objects.get().attachments.count() == 6


def test_the_same_picture_twice_is_kept_once(cast, media):
    assert issue_at(cast, photos=[picture(), picture()]).attachments.count() == 1


def test_a_photo_is_served_to_those_who_see_its_issue_and_cannot_run(cast, login, media):
    issue = issue_at(cast, photos=[with_gps()])
    other = issue_at(cast)
    photo = Attachment.objects.get()
    url = f"/issues/{issue.pk}/photos/{photo.pk}/"
    response = login(cast.department_handler).get(url)
    assert response.status_code == 200 and response["Content-Type"] == "image/jpeg"
    assert response["X-Content-Type-Options"] == "nosniff" and "sandbox" in response["Content-Security-Policy"]
    assert response["Content-Disposition"].startswith("inline") and "private" in response["Cache-Control"]
    assert Image.open(io.BytesIO(response.content)).size == (240, 320)
    for person in (cast.outside_admin, cast.outside_visitor, cast.outside_handler, cast.visitor):
        assert login(person).get(url).status_code == 404
    for person in (cast.publicity, cast.system_admin):
        assert login(person).get(url).status_code == 403
    assert login(cast.department_handler).get(f"/issues/{other.pk}/photos/{photo.pk}/").status_code == 404
    page = login(cast.department_handler).get(f"/issues/{issue.pk}/").content.decode()
    assert url in page


def test_a_photo_whose_file_is_gone_is_not_found(cast, login, media):
    issue = issue_at(cast, photos=[picture()])
    photo = Attachment.objects.get()
    photo.file.storage.delete(photo.file.name)
    assert login(cast.district_office).get(f"/issues/{issue.pk}/photos/{photo.pk}/").status_code == 404
