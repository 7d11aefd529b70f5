"""How {{ form }} and {{ field.as_field_group }} look: our templates, Django's widgets."""

from __future__ import annotations

from django.forms.renderers import TemplatesSetting


class FormRenderer(TemplatesSetting):
    """Named by settings.FORM_RENDERER."""

    form_template_name = "components/form.html"
    field_template_name = "components/field.html"
