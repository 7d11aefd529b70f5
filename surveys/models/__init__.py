"""Models of surveys, by topic."""

from surveys.models.questionnaires import Questionnaire, Version
from surveys.models.results import Axis, PollResult, Tally
from surveys.models.rounds import AgeBand, Channel, Receipt, Response, Round, Sex, Waiting
from surveys.models.samples import CallAttempt, CallResult, CallTally, Draw, DrawFrame, Drawn, SampleList

__all__ = [
    "AgeBand",
    "Axis",
    "CallAttempt",
    "CallResult",
    "CallTally",
    "Channel",
    "Draw",
    "DrawFrame",
    "Drawn",
    "PollResult",
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
