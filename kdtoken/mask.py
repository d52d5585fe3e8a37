"""mask: an access mask in words, or words as a mask.

kdtoken mask 0x1410 process                   VM_READ, QUERY_INFORMATION, QUERY_LIMITED_INFORMATION
kdtoken mask "VM_READ|WRITE_DAC" process      0x00040010
kdtoken mask write file                       what GENERIC_WRITE stands for
kdtoken mask 0xe0010000                       without a type: the rights that every type has
"""

import json
import sys
from typing import List, Optional, Sequence

from kdtoken import cli
from kdtoken.errors import BadFormat, UsageError
from kdtoken.model.access_mask import ALL_ACCESS, SPECIFIC
from kdtoken.model.object_type import DOCUMENTED, GenericMapping, ObjectType, documented_type, near
from kdtoken.render.lookup import UNMAPPED, mask_facts, mask_lines


def _type(name: Optional[str]) -> Optional[ObjectType]:
    if name is None:
        return None
    key = name.strip().lower()
    try:
        return documented_type(key)
    except BadFormat as error:
        if key in SPECIFIC:  # rights with names, and no mapping that is documented
            return ObjectType(key, GenericMapping(0, 0, 0, ALL_ACCESS[key]), ALL_ACCESS[key], UNMAPPED)
        raise UsageError(
            error.message, name, "%sone of %s" % (near(key, list(SPECIFIC)), ", ".join(sorted(SPECIFIC)))
        ) from None


def _types_with(text: str) -> List[str]:
    """The types of object that have the rights which were named without one."""
    found = []
    for name in SPECIFIC:
        try:
            reader = _type(name)
            if reader is not None and reader.parse_access(text):
                found.append(name)
        except BadFormat:
            continue
    return found


def _main(arguments: List[str]) -> int:
    parser = cli.Parser(prog="kdtoken mask", description="An access mask in words, or words as a mask.")
    parser.add_argument(
        "mask", metavar="MASK", help='0x1410, 5136, "VM_READ|WRITE_DAC", read, write, execute, all, maximum'
    )
    parser.add_argument(
        "type", metavar="TYPE", nargs="?", help="type of object: process, thread, token, file, key, event ..."
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    options = parser.parse_args(arguments)
    kind = _type(options.type)
    try:
        reader = kind or ObjectType("(no type)", GenericMapping(0, 0, 0, 0x10000000), 0xFFFFFFFF, DOCUMENTED)
        mask = reader.parse_access(options.mask)
    except BadFormat as error:
        message, step = error.message, error.next_step
        owners = _types_with(options.mask) if kind is None else []
        if owners:
            several = " and ".join([", ".join(owners[:-1]), owners[-1]] if owners[1:] else owners)
            message = "%s is a right of %s: which type of object?" % (options.mask, several)
            step = 'kdtoken mask "%s" %s' % (options.mask, owners[0])
        raise UsageError(message, options.mask, step) from None
    if options.json:
        cli.write_lines(json.dumps(mask_facts(mask, kind), indent=2).split("\n"))
    else:
        cli.write_lines(mask_lines(mask, kind))
    return 0


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the verb with `arguments` (default: sys.argv); returns the exit code."""
    return cli.run(_main, arguments)


if __name__ == "__main__":
    cli.exit_with(main(sys.argv[1:]))
