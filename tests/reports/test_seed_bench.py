"""seed_bench empties the database, so it refuses wherever that could be somebody's."""

import pytest
from django.core.management import CommandError, call_command

from households.models import Household
from tests.reports.rows import make_household


@pytest.mark.parametrize(
    "demo, options, said",
    [
        (False, {"replace": True}, "DEMO is off"),
        (True, {}, "There are households here"),
        (True, {"replace": True, "households": 0}, "Every size is 1 or more"),
        (True, {"replace": True, "villages": 3}, "as many villages as townships"),
    ],
)
def test_seed_bench_refuses_and_changes_nothing(cast, settings, demo, options, said):
    settings.DEMO = demo
    make_household(cast.shiqiao)
    with pytest.raises(CommandError, match=said):
        call_command("seed_bench", **options)
    assert Household.objects.count() == 1
