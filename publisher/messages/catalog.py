from publisher.messages.descriptors import DESCRIPTORS
from publisher.messages.rules import RULES
from publisher.messages.text import Text

CATALOG: dict[str, Text] = {**DESCRIPTORS, **RULES}
