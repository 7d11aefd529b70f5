"""Makes papers for tests: whole ones, and ones that somebody has hidden something in."""

from __future__ import annotations

import io
import zipfile
import zlib

import docx
import openpyxl
from django.core.files.uploadedfile import SimpleUploadedFile


def upload(content: bytes, name: str = "材料.pdf") -> SimpleUploadedFile:
    """The bytes as a browser sends them."""
    return SimpleUploadedFile(name, content)


def pdf(*objects: bytes, tail: bytes = b"", catalog: bytes = b"") -> bytes:
    """A PDF of one empty page, with more objects and more in its catalogue."""
    parts = [
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        b"1 0 obj\n<</Type/Catalog/Pages 2 0 R" + catalog + b">>\nendobj\n",
        b"2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n",
        b"3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>\nendobj\n",
        *(b"%d 0 obj\n" % number + body + b"\nendobj\n" for number, body in enumerate(objects, 4)),
        b"trailer\n<</Size 9/Root 1 0 R>>\nstartxref\n0\n%%EOF\n",
    ]
    return b"".join(parts) + tail


def stream(dictionary: bytes, body: bytes) -> bytes:
    """A stream object with a compressed body."""
    packed = zlib.compress(body)
    return b"<<" + dictionary + b"/Filter/FlateDecode/Length %d>>\nstream\n" % len(packed) + packed + b"\nendstream"


def word(text: str = "现场已修复。") -> bytes:
    """A Word file of one paragraph."""
    out, paper = io.BytesIO(), docx.Document()
    paper.add_paragraph(text)
    paper.save(out)
    return out.getvalue()


def excel() -> bytes:
    """An Excel file of one cell."""
    out, book = io.BytesIO(), openpyxl.Workbook()
    book.active["A1"] = "合计"
    book.save(out)
    return out.getvalue()


def with_part(package: bytes, name: str, body: bytes) -> bytes:
    """The package with one part more, or another content for one it has."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            if part != name:
                new.writestr(part, old.read(part))
        new.writestr(name, body)
    return out.getvalue()
