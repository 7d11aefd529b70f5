"""manage.py demo_logins: the accounts of the demo district."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import translation

from reports.demo import staff


class Command(BaseCommand):
    help = "List the accounts of the demo district, one for each role."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print a line for each; a word where there are none."""
        with translation.override(settings.LANGUAGE_CODE):
            logins = staff.logins()
        if not logins:
            self.stdout.write("There are no demo accounts. Make them with: manage.py seed_demo")
            return
        self.stdout.write(f"Demo accounts, password {staff.PASSWORD}:")
        for login in logins:
            self.stdout.write(f"  {login['staff_number']}  {login['role']}  {login['name']}  {login['unit']}")
