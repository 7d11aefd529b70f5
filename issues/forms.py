"""What people type about issues: a new issue, a move, a routing rule. No form saves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from households.models import Household
from issues.actions import MAX_TEXT
from issues.attachments import ACCEPT, ACCEPT_PHOTOS
from issues.models import Category, Kind, RoutingRule
from outreach import access
from outreach.models import Unit, UnitQuerySet, User

Choices = list[tuple[Any, Any]]


def category_choices(blank: str) -> Callable[[], Choices]:
    """The category tree as options, read when they are shown. Costs one query then."""
    return cache(lambda: category_tree(blank))


def category_tree(blank: str) -> Choices:
    """The category tree as options, a group for each root; costs one query."""
    rows = list(Category.objects.filter(is_active=True))
    children: dict[int, list[Category]] = {}
    for row in rows:
        if row.parent_id is not None:
            children.setdefault(row.parent_id, []).append(row)
    choices: Choices = [("", blank)]
    for root in rows:
        if root.parent_id is None:
            options = [(child.pk, child.name) for child in children.get(root.pk, ())]
            choices.append((root.name, [(root.pk, _("%(name)s (in general)") % {"name": root.name}), *options]))
    return choices


def unit_choices(units: UnitQuerySet, blank: str) -> Callable[[], Choices]:
    """Units as options, read when they are shown: a form that is sent and right needs none. Costs one query then."""
    # kept, for a widget asks for its choices more than once
    return cache(lambda: grouped(units.select_related("parent"), blank))


def grouped(units: Iterable[Unit], blank: str) -> Choices:
    """Units, in official order and with their parents, as options, a group for each kind and township."""
    # get_…_display weighs its whole list of labels each time: for all villages of a district a tenth of a page
    kinds = {str(kind): str(kind.label) for kind in Unit.Kind}
    groups: dict[str, Choices] = {}
    for unit in units:
        is_village = unit.kind == Unit.Kind.VILLAGE and unit.parent is not None
        group = unit.parent.name if is_village and unit.parent else kinds[unit.kind]
        groups.setdefault(group, []).append((unit.pk, unit.name))
    return [("", blank), *groups.items()]


class FilesInput(forms.ClearableFileInput):
    """A file input that takes several files; photos are made small in the browser before they are sent."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several uploads as a list. What they are is decided by content, in attachments.py."""

    widget = FilesInput(attrs={"accept": ACCEPT, "data-shrink": ""})

    def clean(self, data: Any, initial: Any = None) -> Any:
        """Return a list of uploads, each cleaned as a single one would be."""
        uploads = data if isinstance(data, list | tuple) else [data] if data else []
        return [super(FilesField, self).clean(upload, initial) for upload in uploads]


class PhotosField(FilesField):
    """Several pictures as a list."""

    widget = FilesInput(attrs={"accept": ACCEPT_PHOTOS, "data-shrink": ""})


class IssueForm(forms.Form):
    """A new issue: about a household in reach, or about a place."""

    place = forms.ModelChoiceField(label=gettext_lazy("Place"), queryset=Unit.objects.none())
    # with what stands above it, which limit and routing read
    category = forms.ModelChoiceField(
        label=gettext_lazy("Category"),
        queryset=Category.objects.filter(is_active=True).select_related("parent__parent"),
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind of issue"),
        choices=Kind,
        widget=forms.RadioSelect,
        required=False,
        help_text=gettext_lazy("Left open, it is the category's usual kind."),
    )
    text = forms.CharField(
        label=gettext_lazy("What the resident said"),
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    is_urgent = forms.BooleanField(
        label=gettext_lazy("Urgent"),
        required=False,
        help_text=gettext_lazy("Danger to life or property, or a deadline."),
    )
    photos = PhotosField(
        label=gettext_lazy("Photos"),
        required=False,
        help_text=gettext_lazy("JPEG, PNG or WebP, at most 6 of 5 MB each. Place and device data are removed."),
    )

    def __init__(self, *args: Any, user: User, household: Household | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.household = household
        if household is None:
            places = Unit.objects.visible_to(user).active().exclude(kind=Unit.Kind.DEPARTMENT)
            field = self.fields["place"]
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = places.select_related("parent__parent")
            field.choices = unit_choices(places, _("Choose a place"))
            post = access.post_of(user)
            field.initial = post.unit_id if post and post.unit.kind == Unit.Kind.VILLAGE else None
        else:
            del self.fields["place"]
        self.fields["category"].choices = category_choices(_("Choose a category"))  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Take the place from the household, and the kind from the category, where they were not chosen."""
        if self.household is not None:
            self.cleaned_data["place"] = self.household.village
        if self.cleaned_data.get("category") and self.cleaned_data.get("kind") == "":
            self.cleaned_data["kind"] = self.cleaned_data["category"].kind
        return self.cleaned_data


class WordsField(forms.CharField):
    """Words with a space, comma or 、 between them, as a list."""

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        """Split, and drop repetitions."""
        for separator in ",，、;；/／\n":
            value = str(value or "").replace(separator, " ")
        return list(dict.fromkeys(value.split()))

    def validate(self, value: Any) -> None:
        """Refuse words longer than a rule keeps."""
        if any(len(word) > 20 or "\x00" in word for word in value):
            raise forms.ValidationError(_("A word has at most 20 characters."))

    def run_validators(self, value: Any) -> None:
        """The validators of a text do not fit a list; `validate` has seen to it."""

    def prepare_value(self, value: Any) -> Any:
        """Show the list as people type it."""
        return "、".join(value) if isinstance(value, list) else value


class RuleForm(forms.ModelForm):
    """A routing rule. The view hands form.instance to an action; form.save is never called."""

    keywords = WordsField(
        label=gettext_lazy("Any of these words"),
        required=False,
        help_text=gettext_lazy("In what the resident said, such as 路灯、井盖. Empty: whatever the words."),
    )

    class Meta:
        model = RoutingRule
        fields = ["category", "area", "kind", "keywords", "target", "unit", "is_active"]

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        units = Unit.objects.visible_to(user).active()
        self.offer("area", units.exclude(kind=Unit.Kind.DEPARTMENT), _("everywhere"))
        self.offer("unit", units, _("—"))
        self.fields["category"].choices = category_choices(_("every category"))  # type: ignore[attr-defined]
        self.fields["kind"].choices = [("", _("every kind")), *Kind.choices]  # type: ignore[attr-defined]

    def offer(self, name: str, units: UnitQuerySet, blank: str) -> None:
        """Let the field choose among `units`."""
        field = self.fields[name]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = units
        field.choices = unit_choices(units, blank)


class TryForm(forms.Form):
    """The try-out box: where would such an issue go?"""

    category = forms.ModelChoiceField(label=gettext_lazy("Category"), queryset=Category.objects.filter(is_active=True))
    place = forms.ModelChoiceField(label=gettext_lazy("Place"), queryset=Unit.objects.none())
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind of issue"),
        choices=[("", gettext_lazy("the category's usual kind")), *Kind.choices],
        required=False,
    )
    text = forms.CharField(label=gettext_lazy("What the resident said"), max_length=MAX_TEXT, required=False)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        places = Unit.objects.visible_to(user).active().exclude(kind=Unit.Kind.DEPARTMENT)
        field = self.fields["place"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = places
        field.choices = unit_choices(places, _("Choose a place"))
        self.fields["category"].choices = category_choices(_("Choose a category"))  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Take the category's usual kind where none is named."""
        if self.cleaned_data.get("category") and not self.cleaned_data.get("kind"):
            self.cleaned_data["kind"] = self.cleaned_data["category"].kind
        return self.cleaned_data
