"""The plugin: what of CKAN's it takes the place of."""

import ckan.plugins as p

from . import actions, themes, validators


class PortalStandIn(p.SingletonPlugin):
    p.implements(p.IActions)
    p.implements(p.IPackageController, inherit=True)
    p.implements(p.IValidators)

    def get_actions(self):
        return {
            "package_create": actions.package_create,
            "package_update": actions.package_update,
        }

    def get_validators(self):
        return {
            "fluent_text": validators.fluent_text,
            "fluent_text_output": validators.fluent_text_output,
            "not_empty_except_bg_jobs": validators.not_empty_except_bg_jobs,
            "resource_format_validator": validators.resource_format_validator,
            "title_and_notes_in_data_directory": validators.title_and_notes_in_data_directory,
        }

    def after_dataset_show(self, context, pkg_dict):
        return self._with_themes(pkg_dict, pkg_dict.get("data_themes"))

    def before_dataset_index(self, pkg_dict):
        return self._with_themes(pkg_dict, pkg_dict.get("extras_data_themes"))

    def _with_themes(self, pkg_dict, stored):
        if found := themes.read(stored):
            pkg_dict["data_themes"] = found
        return pkg_dict
