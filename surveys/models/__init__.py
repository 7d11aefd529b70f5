"""Models of surveys, by topic."""

from surveys.models.questionnaires import Questionnaire, Version
from surveys.models.rounds import AgeBand, Channel, Receipt, Response, Round, Sex, Waiting
from surveys.models.samples import CallAttempt, CallResult, Draw, DrawFrame, Drawn, SampleList, Tally

__all__ = [
    "AgeBand",
    "CallAttempt",
    "CallResult",
    "Channel",
    "Draw",
    "DrawFrame",
    "Drawn",
    "Questionnaire",
    "Receipt",
    "Response",
    "Round",
    "SampleList",
    "Sex",
    "Tally",
    "Version",
    "Waiting",
]
