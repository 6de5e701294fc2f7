"""The portal's validators."""

import json
import re

from ckan.plugins.toolkit import Invalid, _, get_validator, missing

from .formats import FORMATS

LANGUAGE = re.compile("[a-z]{2,4}")


def resource_format_validator(value):
    value = value.upper()
    if value not in FORMATS:
        raise Invalid(f"Invalid resource format: {value}")
    return value


def not_empty_except_bg_jobs(key, data, errors, context):
    """Harvesters, which run without a user's rights being asked for, may leave it out."""
    name = "ignore_missing" if context.get("ignore_auth") else "not_empty"
    return get_validator(name)(key, data, errors, context)


def title_and_notes_in_data_directory(key, data, errors, context):
    """Runs on what was sent, before any default; such a dataset goes to the national catalog."""
    if data.get(("data_directory",)) in (True, "True"):
        for field in ("title", "notes"):
            if data.get((field,)) in (missing, None, ""):
                errors[field,].append(_("Missing value"))


def fluent_text(key, data, errors, context):
    """Text by language, as ckanext-fluent takes it, which no longer installs from the index.

    An object, the same as JSON, or one field a language (``title_translated-da``).
    """
    value = data[key]
    if value is missing:
        prefix = f"{key[-1]}-"
        sent = data.get((*key[:-1], "__extras"), {})
        value = {
            name.removeprefix(prefix): sent.pop(name)
            for name in list(sent)
            if name.startswith(prefix)
        }
    elif isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            errors[key].append("not JSON")
            return
    if not isinstance(value, dict):
        errors[key].append("not an object of language and text")
        return
    for language, text in value.items():
        if not LANGUAGE.fullmatch(language):
            errors[key].append(f"not a language: {language}")
        elif not isinstance(text, str):
            errors[key].append(f"no text for {language}")
    if not errors[key]:
        data[key] = json.dumps(value)


def fluent_text_output(value):
    if isinstance(value, dict):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return {}
