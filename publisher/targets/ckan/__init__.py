"""The CKAN target: a package, its resources and their DataStore tables."""

from publisher.targets.ckan.publish import CkanPublisher

__all__ = ["CkanPublisher"]
