"""People who decide about one door at the same moment take turns; nobody is thrown out by a deadlock."""

from __future__ import annotations

import threading

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone

from households.models import Household
from outreach.models import Campaign
from tests.cast import make_cast
from tests.scenery import make_campaign, make_scenery
from visits import actions
from visits.models import Assignment, Visit


def test_one_household_confirmed_as_moved_in_two_campaigns_at_once_is_taken_off_both(transactional_db):
    cast = make_cast()
    place = make_scenery(cast).inside
    Campaign.objects.filter(pk=place.campaign.pk).update(name="上一轮")
    second = make_campaign(cast.district, [cast.qingxi], cast.district_office)
    other = Assignment.objects.create(campaign=second, household=place.household, visitor=cast.visitor)
    for _round in range(5):
        Household.objects.filter(pk=place.household.pk).update(roster_state="in_residence")
        Assignment.objects.filter(household=place.household).update(state="to_confirm", last_visit_at=timezone.now())
        Visit.objects.filter(household=place.household).delete()
        results: list[object] = []
        barrier = threading.Barrier(2)

        def confirm(duty, results=results, barrier=barrier):
            try:
                barrier.wait()
                actions.confirm_off_roster(assignment=duty, roster_state="moved", by=cast.township_admin)
                results.append("done")
            except Exception as error:
                results.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=confirm, args=(duty,)) for duty in (place.assignment, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        # the second finds the household taken off already, which is no fault
        assert all(result == "done" or isinstance(result, ValidationError) for result in results), results
        assert "done" in results
        states = Assignment.objects.filter(household=place.household).values_list("state", flat=True)
        assert set(states) == {"off_roster"}
