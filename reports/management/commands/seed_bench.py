"""manage.py seed_bench: a district of full size with a campaign under way, by set-based SQL, for measurements."""

import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from bench import seed, seed_histories, seed_surveys
from households.models import Household
from reports import facts


class Command(BaseCommand):
    """Write the district, its issues' histories and the rollups, and say how long it took."""

    help = "Empty the database and fill it with an invented district of any size, for measurements."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--townships", type=int, default=20)
        parser.add_argument("--villages", type=int, default=400)
        parser.add_argument("--households", type=int, default=1_000_000)
        parser.add_argument("--visits-each", type=int, default=3)
        parser.add_argument("--issues", type=int, default=300_000)
        parser.add_argument("--responses", type=int, default=500_000, help="of one survey round; 0: no survey")
        parser.add_argument("--replace", action="store_true", help="also where households lie in the database")

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed. Raises CommandError where that would endanger real data, or for a size that is none."""
        if not settings.DEMO:
            raise CommandError("DEMO is off here, so this may be a real district's database. Nothing was changed.")
        if Household.objects.exists() and not options["replace"]:
            raise CommandError(
                "There are households here, and this command empties the database: point VAR_DIR at an empty folder "
                "and run migrate, or add --replace if all of it may go."
            )
        sizes = {name: options[name] for name in ("townships", "villages", "households", "visits_each", "issues")}
        if min(sizes.values()) < 1 or sizes["villages"] < sizes["townships"]:
            raise CommandError("Every size is 1 or more, and there are at least as many villages as townships.")
        start = time.perf_counter()
        district = seed.district(**sizes, counted=False)
        self.stdout.write(f"rows written after {time.perf_counter() - start:.0f} s")
        seed_histories.add(district)
        self.stdout.write(f"histories written after {time.perf_counter() - start:.0f} s")
        if options["responses"] > 0:
            seed_surveys.add(district.unit, district.leader, options["responses"])
            self.stdout.write(f"answers of a survey written after {time.perf_counter() - start:.0f} s")
        facts.recount_all()
        self.stdout.write(f"counted after {time.perf_counter() - start:.0f} s")
        self.stdout.write(f"Log in as {district.leader.staff_number}, password {seed.PASSWORD}.")
