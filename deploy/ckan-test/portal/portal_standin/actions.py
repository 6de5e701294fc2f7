"""What happens to a dataset before CKAN's own actions see it.

The rest of the portal's habits are those of CKAN 2.11: a package_update without resources deletes
them all, and every call sets metadata_modified.
"""

from ckan.plugins import toolkit

from . import themes

# Extras that become root fields, the weaker name first
PROMOTED = (
    ("contact_name", "author"),
    ("author", "author"),
    ("contact_email", "author_email"),
    ("author_email", "author_email"),
)


@toolkit.chained_action
def package_create(up, context, data_dict):
    for resource in data_dict.get("resources", []):
        if resource.get("format", "").upper() == "OGC WFS":
            resource["format"] = "WFS_SRVC"
    _promote(data_dict)
    _translate(data_dict)
    return up(context, data_dict)


@toolkit.chained_action
def package_update(up, context, data_dict):
    _translate(data_dict)
    _promote(data_dict)
    return up(context, data_dict)


def _promote(data_dict):
    values = {extra.get("key"): extra.get("value") for extra in data_dict.get("extras", [])}
    for key, root in PROMOTED:
        if values.get(key) is not None:
            data_dict[root] = values[key]
    if values.get("data_themes") is not None:
        data_dict["data_themes"] = themes.promoted(values["data_themes"])
    gone = {"data_themes", *(key for key, _ in PROMOTED)}
    data_dict["extras"] = [
        extra for extra in data_dict.get("extras", []) if extra.get("key") not in gone
    ]


def _translate(data_dict):
    """Overwrite every translation that is sent with the title and notes themselves.

    That is what the portal does where its translation service is not reached. A language that
    the site does not offer is a KeyError there too, which a client sees as 500.
    """
    offered = toolkit.config.get("ckan.locales_offered")
    for field in ("title", "notes"):
        text = data_dict.get(field)
        by_language = {locale.split("_")[0]: text or "" for locale in offered}
        for language, it in by_language.items():
            data_dict[f"{field}_translated-{language}"] = it
        for language in data_dict.get(f"{field}_translated") or {}:
            data_dict[f"{field}_translated"][language] = by_language[language]
