"""A sample of the demo's second survey round, and the calls made so far."""

from __future__ import annotations

import uuid
from random import Random

from outreach.models import User
from reports.demo.surveys import answer
from surveys.actions import calling, drawing
from surveys.actions.drawing import Wanted
from surveys.models import CallResult, Round
from visits.actions import wishes

ROUND = "第二轮自测"
SAMPLE = 60
CALLS = 34
RESULTS = (
    (CallResult.COMPLETE, 14),
    (CallResult.NO_ANSWER, 9),
    (CallResult.REFUSED, 4),
    (CallResult.BUSY, 3),
    (CallResult.WRONG_NUMBER, 2),
    (CallResult.UNABLE, 1),
)


def add_calls(random: Random, staff: dict[str, User]) -> None:
    """Draw a sample by township and call some of it; nothing where the demo stands at a day long past."""
    survey_round = Round.objects.filter(name=ROUND).first()
    if survey_round is None or not calling.is_running(survey_round):
        return
    wanted = Wanted(method="stratified", source="roster", size=SAMPLE, only_with_phone=True)
    drawing.draw_sample(survey_round=survey_round, wanted=wanted, by=staff["O001"], seed="26131 0 3 9 1 7")
    caller = staff["S001"]
    content = survey_round.version.parsed
    for _call in range(CALLS):
        if calling.next_case(survey_round=survey_round, by=caller) is None:
            return
        result = random.choices([code for code, _weight in RESULTS], [weight for _code, weight in RESULTS])[0]
        if result != CallResult.COMPLETE:
            calling.record_call(result=result, phone_number=1, by=caller)
            continue
        calling.take_call(
            number=uuid.UUID(int=random.getrandbits(128), version=4),
            given={item.key: answer(random, item) for item in content.items},
            by=caller,
            seconds={item.key: random.randint(4, 25) for item in content.items},
        )
        wishes.end_call(by=caller, wish=None)
