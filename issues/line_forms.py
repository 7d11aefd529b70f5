"""Whose line of work is looked at."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from issues.forms import unit_choices
from outreach import access
from outreach.models import Unit, User


class LineForm(forms.Form):
    """A department's own people see theirs, all others choose."""

    unit = forms.ModelChoiceField(label=gettext_lazy("Department"), queryset=Unit.objects.none(), required=False)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        post = access.post_of(user)
        self.own = post.unit if post and post.unit.kind == Unit.Kind.DEPARTMENT else None
        code = post.unit.district_code if post else "-"
        departments = Unit.objects.active().departments().filter(code__startswith=code)
        field = self.fields["unit"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = departments
        field.choices = unit_choices(departments, _("Choose a department"))
        self.is_valid()

    @property
    def department(self) -> Unit | None:
        """The department asked for; None where none is chosen yet."""
        return self.own or self.cleaned_data.get("unit")
