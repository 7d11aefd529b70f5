"""The papers of a mediation as .docx: the agreement (人民调解协议书) and the record of the sessions (调解记录).

Number, signatures and seal are left blank. Their words are Chinese whatever the reader's language: they are papers of a
Chinese people's mediation committee.
"""

from __future__ import annotations

from django.utils import timezone, translation

from issues.models import DisputeParty, Issue, Mediation, MediationSession
from outreach.papers import Paper, chinese_day

PAPERS = {"agreement": "人民调解协议书", "record": "人民调解记录"}


def begin(title: str) -> Paper:
    """A new paper down to its number."""
    paper = Paper()
    paper.mark()
    paper.title(title)
    paper.line("编号：＿＿＿＿＿＿＿＿", align="right")
    return paper


def agreement(
    issue: Issue, mediation: Mediation, parties: list[DisputeParty], sessions: list[MediationSession]
) -> bytes:
    """Return the agreement as .docx."""
    with translation.override("zh-hans"):
        paper = begin(PAPERS["agreement"])
        add_parties(paper, parties)
        paper.heading("纠纷主要事实、争议事项：")
        paper.typed(issue.text)
        paper.heading("经调解，自愿达成如下协议：")
        paper.typed(mediation.agreement)
        paper.heading("履行期限：")
        paper.typed(chinese_day(mediation.perform_by) if mediation.perform_by else "当场履行。")
        paper.say("本协议一式＿＿份，当事人、人民调解委员会各持一份。")
        for party in parties:
            paper.line(f"{party.get_side_display()}（签名）：＿＿＿＿＿＿＿＿　{party.name}")
        mediators = sessions[-1].mediators if sessions else ""
        paper.line(f"人民调解员（签名）：＿＿＿＿＿＿＿＿　{mediators}")
        paper.line("人民调解委员会（印章）：", align="right")
        day = chinese_day(mediation.agreed_on) if mediation.agreed_on else "　　年　月　日"
        paper.line(day, align="right")
        return paper.content()


def record(issue: Issue, parties: list[DisputeParty], sessions: list[MediationSession]) -> bytes:
    """Return the record of all sessions as .docx."""
    with translation.override("zh-hans"):
        paper = begin(PAPERS["record"])
        add_parties(paper, parties)
        paper.heading("纠纷简要情况：")
        paper.typed(issue.text)
        for number, session in enumerate(sessions, 1):
            held = timezone.localtime(session.held_at)
            paper.heading(f"第{number}次调解")
            paper.say(f"时间：{chinese_day(held)}{held:%H:%M}　地点：{session.place}")
            paper.say(f"调解员：{session.mediators}")
            paper.say(f"参加人：{session.attended}")
            paper.typed(session.said)
            paper.say(f"调解结果：{session.get_result_display()}")
        for party in parties:
            paper.line(f"{party.get_side_display()}（签名）：＿＿＿＿＿＿＿＿　{party.name}")
        paper.line("调解员（签名）：＿＿＿＿＿＿＿＿　记录人（签名）：＿＿＿＿＿＿＿＿")
        return paper.content()


def add_parties(paper: Paper, parties: list[DisputeParty]) -> None:
    """Add the parties, a line each, the ID number left to be filled in by hand."""
    paper.heading("当事人：")
    for party in parties:
        contact = f"　联系方式：{party.contact}" if party.contact else ""
        paper.say(f"{party.get_side_display()}：{party.name}　身份证号：＿＿＿＿＿＿＿＿＿＿{contact}")
