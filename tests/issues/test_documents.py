from __future__ import annotations

import io
import os
import zipfile

import pytest
from django.core.exceptions import ValidationError

from issues import attachments, documents
from tests.issues.papers import excel, pdf, stream, upload, with_part, word
from tests.issues.test_attachments import picture

SCRIPT = b"<</S/JavaScript/JS(app.alert\\(1\\))>>"


@pytest.mark.parametrize(
    ("content", "name", "kind", "stored"),
    [
        (pdf(), "验收单.pdf", documents.PDF, "验收单.pdf"),
        (pdf(stream(b"/Type/ObjStm/N 1/First 4", b"5 0 <</Type/Font>>")), "1.PDF", documents.PDF, "1.pdf"),
        (word(), "回复.docx", documents.DOCX, "回复.docx"),
        (excel(), "清单.xlsx", documents.XLSX, "清单.xlsx"),
        (word(), "其实是Word.exe", documents.DOCX, "其实是Word.docx"),
        (pdf(), "../../etc/\u202efdp.exe\x00.html", documents.PDF, "etcfdp.exe.pdf"),
        (pdf(), "\u202e...", documents.PDF, "文件.pdf"),
    ],
)
def test_a_paper_is_kept_as_it_came_under_a_name_that_says_what_it_is(content, name, kind, stored):
    file = upload(content)
    file._name = name  # as a browser sends it: Django's setter would clean it first
    clean = attachments.clean_file(file)
    assert (clean.content, clean.content_type, clean.name) == (content, kind, stored)


def test_a_pdf_with_large_pictures_and_many_streams_is_kept():
    random_picture = stream(b"/Subtype/Image", os.urandom(3_000_000))
    white_page = stream(b"/Subtype/Image", b"\xff" * 26_000_000)
    assert attachments.clean_file(upload(pdf(random_picture, white_page, *[stream(b"", b"q Q")] * 2000)))


def zip_bomb(target: str = "word/media/image1.png") -> bytes:
    return with_part(word(), target, b"\0" * (documents.MAX_UNFOLDED + 1))


def lying_bomb() -> bytes:
    """A package whose directory says that the large part is small."""
    content = bytearray(with_part(word(), "word/media/a.png", b"\0" * 5_000_000))
    size = (5_000_000).to_bytes(4, "little")
    while (at := content.find(size)) >= 0:
        content[at : at + 4] = (10).to_bytes(4, "little")
    return bytes(content)


def other_zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        package.writestr("readme.txt", "x")
    return out.getvalue()


def remote_template() -> bytes:
    rels = (
        b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
        b'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/attachedTemplate" '
        b'Target="https://evil.example/a.dotm" TargetMode="External"/></Relationships>'
    )
    return with_part(word(), "word/_rels/settings.xml.rels", rels)


def macro_types() -> bytes:
    with zipfile.ZipFile(io.BytesIO(word())) as package:
        types = package.read("[Content_Types].xml")
    name = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    assert name in types
    return with_part(
        word(), "[Content_Types].xml", types.replace(name, b"application/vnd.ms-word.document.macroEnabled.main+xml")
    )


def encrypted_zip() -> bytes:
    """A package that says its parts are locked."""
    content = bytearray(word())
    at = content.find(b"PK\x01\x02")
    content[at + 8] |= 1
    return bytes(content)


REFUSED = {
    "pdf with a script": pdf(catalog=b"/OpenAction" + SCRIPT),
    "pdf with an escaped script": pdf(catalog=b"/OpenAction<</S/J#61vaScript/JS(x)>>"),
    "pdf with a script in an object stream": pdf(stream(b"/Type/ObjStm/N 1/First 4", b"5 0 " + SCRIPT)),
    "pdf with a script in a stream that denies it": pdf(
        b"<</Type/ObjStm % obj <<\n" + stream(b"", b"5 0 " + SCRIPT)[2:],
    ),
    "pdf with a script behind a word in a comment": pdf(b"% stream\n" + SCRIPT),
    "pdf with a file": pdf(catalog=b"/Names<</EmbeddedFiles 9 0 R>>"),
    "pdf that starts a program": pdf(b"<</S/Launch/F(cmd.exe)>>"),
    "pdf with a password": pdf().replace(b"/Root 1 0 R", b"/Root 1 0 R/Encrypt 9 0 R"),
    "pdf cut off": pdf()[:-20],
    "pdf with something behind it": pdf(tail=b"<html><script>alert(1)</script>" + b" " * 2000),
    "pdf of escapes": pdf(stream(b"", b"#41" * 200_000)),
    "web page before a pdf": b"<html><script>alert(1)</script>" + pdf(),
    "word with macros": with_part(word(), "word/vbaProject.bin", b"x"),
    "word with macros by its types": macro_types(),
    "excel with macros": with_part(excel(), "xl/vbaProject.bin", b"x"),
    "word with a control": with_part(word(), "word/activeX/activeX1.xml", b"x"),
    "word with a program": with_part(word(), "word/embeddings/oleObject1.bin", b"x"),
    "word with a remote template": remote_template(),
    "word cut off": word()[:-100],
    "word with a damaged part": word().replace(word()[60:64], b"\0\0\0\0", 1),
    "word with locked parts": encrypted_zip(),
    "word behind something": b"<script>alert(1)</script>" + word(),
    "zip bomb": zip_bomb(),
    "zip bomb that lies": lying_bomb(),
    "too many parts": None,
    "zip of something else": other_zip(),
    "old word": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "web page": b"<!doctype html><script>alert(1)</script>",
    "program": b"MZ\x90\x00" + b"\0" * 200,
    "nothing": b"",
    "too large": b"%PDF-1.7\n" + b"\0" * documents.MAX_BYTES,
}


def too_many_parts() -> bytes:
    out = io.BytesIO(word())
    with zipfile.ZipFile(out, "a") as package:
        for number in range(documents.MAX_PARTS):
            package.writestr(f"word/media/{number}.png", b"")
    return out.getvalue()


REFUSED["too many parts"] = too_many_parts()


@pytest.mark.parametrize("what", REFUSED)
@pytest.mark.parametrize("ending", ["pdf", "docx"])
def test_what_could_run_or_cannot_be_read_is_refused_and_named(what, ending):
    with pytest.raises(ValidationError, match="材料"):
        attachments.clean_file(upload(REFUSED[what], f"材料.{ending}"))


def test_a_picture_that_is_a_web_page_too_loses_the_page():
    polyglot = upload(picture().read() + b"<html><script>alert(1)</script></html>" + word(), "a.html")
    clean = attachments.clean_file(polyglot)
    assert clean.content_type == attachments.JPEG and clean.name == ""
    assert b"script" not in clean.content and b"PK\x03\x04" not in clean.content


def test_a_step_takes_six_files_and_an_issue_forty():
    with pytest.raises(ValidationError, match="6"):
        attachments.clean_files([upload(pdf())] * 7)
    with pytest.raises(ValidationError, match="40"):
        attachments.clean_files([upload(pdf())] * 3, already=38)
    assert len(attachments.clean_files([upload(pdf()), upload(pdf(), "又一份.pdf"), picture()], already=37)) == 2
