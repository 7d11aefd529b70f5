"""A bulletin as .docx. Number, signer, seal and date are left blank: whoever signs it fills them in."""

from __future__ import annotations

from collections.abc import Mapping

from outreach.papers import Paper
from reports.bulletins import content
from reports.bulletins.content import COLUMNS, SECTIONS, Edition


def document(title: str, sections: Mapping[str, str], edition: Edition, *, kind: str) -> bytes:
    """Return the .docx of a bulletin: `sections` by SECTIONS, the tables from the figures."""
    paper = Paper()
    paper.mark()
    paper.title(title)
    paper.line("〔　　　　〕第　　期　　　　签发人：　　　　", align="center")
    paper.blank()
    for heading, key in zip(content.headings(kind), SECTIONS, strict=True):
        paper.heading(heading)
        for paragraph in content.paragraphs(sections[key]):
            lead, rest = content.split_lead(paragraph)
            if lead:
                paper.lead_in(lead, rest)
            else:
                paper.say(paragraph)
        if key == "units":
            for caption, rows in content.tables(edition):
                paper.table(caption, COLUMNS, rows)
                paper.blank()
    paper.hold()
    paper.blank()
    paper.hold()
    paper.sign("（印章）　　　　")
    paper.hold()
    paper.sign("　　　　年　　月　　日")
    return paper.content()
