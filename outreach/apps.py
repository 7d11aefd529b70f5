from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OutreachConfig(AppConfig):
    name = "outreach"
    verbose_name = _("units, accounts and settings")

    def ready(self) -> None:
        """Register the system checks."""
        from outreach import checks  # noqa: F401
