"""Papers on their way in: PDF, .docx and .xlsx, recognised by content; whatever could run something is refused.

A paper is stored as it came, because its value is that it is the original; so it is checked before, and afterwards only
ever handed out as a download.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

MAX_BYTES = 10 * 1024 * 1024
# What a file may unfold to: a package of 10 MB that claims more is a bomb, whatever else it is.
MAX_UNFOLDED = 100 * 1024 * 1024
MAX_PARTS = 3_000
MAX_CONTENT_TYPES = 1024 * 1024

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ENDINGS = {PDF: "pdf", DOCX: "docx", XLSX: "xlsx"}

PDF_TAIL = 1024  # how much may follow the last %%EOF, and how far from the end it may stand (ISO 32000, Annex H)
# Names of a PDF that run, open, send or carry something. Long ones only: chance would write /JS into a picture, and a
# script needs the action /JavaScript anyway.
PDF_ACTIVE = re.compile(
    rb"/(?:JavaScript|Launch|EmbeddedFiles?|FileAttachment|RichMedia|SubmitForm|ImportData|Rendition)"
    rb"(?![A-Za-z0-9])"
)
PDF_ENCRYPTED = re.compile(rb"/Encrypt(?![A-Za-z0-9])")
PDF_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
MAX_ESCAPES = 100_000  # what chance writes into 10 MB of pictures stays far below
PDF_STREAM = re.compile(rb"(?<!end)stream(?:\r\n|\n|\r)")
MAX_STREAM = 8 * 1024 * 1024  # a list of objects is never so long; a picture may be, and is read no further
CHUNK = 64 * 1024

ZIP_START = b"PK\x03\x04"
# Parts of an Office package that run something: macros, ActiveX controls, embedded programs (OLE).
OFFICE_ACTIVE = re.compile(
    r"vbaproject|vbadata|/activex/|oleobject|/macrosheets/|/dialogsheets/|\.(?:exe|dll|js|vbs|hta)$"
)
# A relationship that makes Office fetch code or a template from the network when the file is opened.
OFFICE_REMOTE = re.compile(
    rb"<Relationship\b(?=[^>]*(?:attachedTemplate|oleObject|frame|subDocument|externalLinkPath)\")"
    rb"(?=[^>]*Target=\"(?:https?:|ftp:|mhtml:|\\\\|file://[^/]))[^>]*>",
    re.IGNORECASE,
)


def content_type_of(content: bytes, name: str) -> str:
    """Return what `content` is: PDF, DOCX or XLSX, having found nothing in it that runs; `name` is for the message.

    Raises ValidationError where it is none of them, is broken or locked, unfolds into too much, or could run something.
    """
    if content.startswith(b"%PDF-"):
        check_pdf(content, name)
        return PDF
    if content.startswith(ZIP_START):
        return check_office(content, name)
    raise ValidationError(
        _("%(name)s is neither a picture nor a PDF, .docx or .xlsx. Save older Word or Excel files in one of these.")
        % {"name": name}
    )


def check_pdf(content: bytes, name: str) -> None:
    """Raise ValidationError unless `content` is a whole PDF without a password, scripts, forms that send, or files.

    Names are looked for in the whole file and in all that is compressed in it; they may be written with #xx escapes.
    """
    end = content.rfind(b"%%EOF")
    if end < 0 or len(content) - end > PDF_TAIL or b"startxref" not in content:
        raise ValidationError(
            _("%(name)s is cut off or damaged. Open it, save it again as PDF, and send that.") % {"name": name}
        )
    for part in pdf_parts(content):
        if len(PDF_ESCAPE.findall(part)) > MAX_ESCAPES:
            raise ValidationError(_("%(name)s cannot be checked. Print it to PDF and send that.") % {"name": name})
        plain = PDF_ESCAPE.sub(lambda match: bytes([int(match[1], 16)]), part)
        if PDF_ENCRYPTED.search(plain):
            raise ValidationError(
                _("%(name)s is protected by a password, so nobody can check it. Remove the password first.")
                % {"name": name}
            )
        if PDF_ACTIVE.search(plain):
            raise ValidationError(
                _("%(name)s contains scripts or other files. Print it to PDF and send that.") % {"name": name}
            )


def pdf_parts(content: bytes) -> Iterator[bytes]:
    """Yield the file as it is, then the beginning of each of its compressed streams, up to MAX_UNFOLDED together.

    Every stream is tried, whatever its dictionary says of it: a comment in the right place would make it say anything.
    """
    yield content
    left, whole = MAX_UNFOLDED, memoryview(content)
    for match in PDF_STREAM.finditer(content):
        part = unfold(whole[match.end() :], min(left, MAX_STREAM))
        left -= len(part)
        if part:
            yield part
        if left <= 0:
            return


def unfold(packed: memoryview, limit: int) -> bytes:
    """Return what the zlib stream at the beginning of `packed` holds, at most `limit` bytes and as far as it is whole;
    nothing where there is none: a JPEG, a font as it is, or the word in a text."""
    unfolding, out = zlib.decompressobj(), bytearray()
    # in pieces, or each of thousands of streams would copy all that follows it
    for at in range(0, len(packed), CHUNK):
        try:
            out += unfolding.decompress(packed[at : at + CHUNK], limit - len(out))
        except zlib.error:
            break
        if unfolding.eof or len(out) >= limit:
            break
    return bytes(out)


def check_office(content: bytes, name: str) -> str:
    """Return DOCX or XLSX for a whole package without macros, controls, embedded programs or remote templates.

    Raises ValidationError. Every part is unfolded once, no further than allowed: its size is not taken on trust.
    """
    broken = _("%(name)s is no Word or Excel file that can be read. Save it again as .docx or .xlsx.") % {"name": name}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            kinds = check_parts(package, name)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise ValidationError(broken) from error
    except (KeyError, UnicodeError, OverflowError) as error:
        raise ValidationError(broken) from error
    if len(kinds) != 1:
        raise ValidationError(broken)
    return kinds.pop()


def check_parts(package: zipfile.ZipFile, name: str) -> set[str]:
    """Check every part of an Office package; return what it is by its main part. Raises what check_office catches."""
    parts = package.infolist()
    too_much = ValidationError(_("%(name)s unfolds into far too much. Nothing was kept.") % {"name": name})
    active = ValidationError(
        _("%(name)s contains macros or programs. Save it as plain .docx or .xlsx and send that.") % {"name": name}
    )
    if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNFOLDED:
        raise too_much
    left = MAX_UNFOLDED
    for part in parts:
        if OFFICE_ACTIVE.search(f"/{part.filename.lower()}"):
            raise active
        with package.open(part) as stream:
            body = stream.read(part.file_size + 1)
        left -= len(body)
        if left < 0:
            raise too_much
        if part.filename.endswith(".rels") and OFFICE_REMOTE.search(body):
            raise active
    with package.open("[Content_Types].xml") as stream:
        types = stream.read(MAX_CONTENT_TYPES)
    if b"macroEnabled" in types or b"vbaProject" in types:
        raise active
    names = set(package.namelist())
    found = {DOCX: "word/document.xml", XLSX: "xl/workbook.xml"}
    return {kind for kind, main in found.items() if main in names and kind.rpartition(".")[2].encode() in types}
