"""Conditional expressions of callback ACEs and resource attributes: [MS-DTYP] 2.4.4.17 and 2.4.10.

Bytes ("artx"), text and meaning of a condition meet in one form, the postfix tokens of :class:`Condition`; there is
no tree, so that the deepest expression needs no recursion.
"""

from kdtoken.model.condition.bytecode import SIGNATURE, condition_bytes, is_condition, parse_condition
from kdtoken.model.condition.evaluate import UNKNOWABLE, Context, Outcome, Truth, evaluate
from kdtoken.model.condition.resource_attribute import (
    attribute_bytes,
    attribute_text,
    parse_attribute,
    resource_attribute,
)
from kdtoken.model.condition.text import condition_from_text, condition_text, read_condition
from kdtoken.model.condition.tokens import (
    Attribute,
    Composite,
    Condition,
    Integer,
    Octets,
    Operator,
    SidValue,
    Text,
    Token,
    Values,
)

__all__ = [
    "SIGNATURE",
    "UNKNOWABLE",
    "Attribute",
    "Composite",
    "Condition",
    "Context",
    "Integer",
    "Octets",
    "Operator",
    "Outcome",
    "SidValue",
    "Text",
    "Token",
    "Truth",
    "Values",
    "attribute_bytes",
    "attribute_text",
    "condition_bytes",
    "condition_from_text",
    "condition_text",
    "evaluate",
    "is_condition",
    "parse_attribute",
    "parse_condition",
    "read_condition",
    "resource_attribute",
]
