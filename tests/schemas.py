"""What `--json` of each verb follows, and who holds an answer against it."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict

import jsonschema

RENDER = Path(__file__).parent.parent / "kdtoken" / "render"
_WORDS = frozenset({"$ref", "title", "description"})


def schema(verb: str) -> Any:
    """kdtoken/render/VERB.schema.json."""
    return json.loads((RENDER / (verb + ".schema.json")).read_text(encoding="utf-8"))


@lru_cache(maxsize=None)
def validator(verb: str) -> jsonschema.Draft202012Validator:
    """One for all, with every definition in the places that refer to it: half of the time went into looking them up."""
    return jsonschema.Draft202012Validator(in_place(schema(verb)))


def in_place(whole: Any) -> Any:
    """The same schema without references, but for those of a definition to itself and those that say more."""
    made: Dict[str, Any] = {}

    def of(node: Any) -> Any:
        if isinstance(node, list):
            return [of(one) for one in node]
        if not isinstance(node, dict):
            return node
        where = node.get("$ref")
        if not isinstance(where, str) or not where.startswith("#/$defs/") or not _WORDS.issuperset(node):
            return {key: of(value) for key, value in node.items()}
        if where not in made:
            made[where] = node  # what a definition says of itself stays a reference
            made[where] = of(whole["$defs"][where[len("#/$defs/") :]])
        return made[where]

    return of(whole)
