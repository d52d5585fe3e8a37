"""sid: a SID's name, or a name's SID, without asking any machine.

kdtoken sid S-1-5-32-544                    its name, kind, SDDL alias, bytes
kdtoken sid "NT SERVICE\\TrustedInstaller"   the SID of a well-known name, a service, an application pool
kdtoken sid BA                              an alias of SDDL
kdtoken sid internetClient                  a capability
kdtoken sid Microsoft.WindowsCalculator_8wekyb3d8bbwe    the package of an app, by its family name
"""

import json
import sys
from typing import List, Optional, Sequence

from kdtoken import cli
from kdtoken.errors import BadFormat, UsageError
from kdtoken.model.sid import Sid
from kdtoken.model.sid_aliases import DOMAIN_ALIASES, sid_of_alias
from kdtoken.model.sid_lookup import capability_named, service_named, sid_of_name
from kdtoken.render.lookup import sid_facts, sid_lines


def sids_of(text: str, domain: Optional[Sid] = None) -> List[Sid]:
    """All SIDs that a text can stand for, the surest first; UsageError where only a machine could tell."""
    if text[:2].upper() == "S-":
        try:
            return [Sid.from_text(text)]
        except BadFormat as error:
            raise UsageError(error.message, text, "kdtoken sid S-1-5-32-544") from None
    found: List[Sid] = []
    name = sid_of_name(text)
    if name is not None:
        found.append(name)
    service = service_named(text)
    if service is not None:
        found.append(sid_of_name("NT SERVICE\\" + service) or found[0])
    found += capability_named(text)
    if len(text) == 2 and not found:
        try:
            return [sid_of_alias(text, domain)]
        except BadFormat as error:
            if text.upper() in DOMAIN_ALIASES:
                raise UsageError(error.message, text, "kdtoken sid %s --domain S-1-5-21-A-B-C" % text.upper()) from None
    if not found:
        raise UsageError(
            "%s is no name that is the same on every machine" % ascii(text),
            text,
            "its SID is in the machine's or domain's own list of accounts: whoami /user, Get-LocalUser, Get-ADUser",
        )
    return list(dict.fromkeys(found))


def _main(arguments: List[str]) -> int:
    parser = cli.Parser(prog="kdtoken sid", description="A SID's name, or a name's SID, without asking any machine.")
    parser.add_argument("names", nargs="+", metavar="SID|NAME", help="S-1-..., a well-known name, a service, an alias")
    parser.add_argument("--domain", metavar="SID", help="of the domain or machine that DA, LA ... of SDDL stand for")
    parser.add_argument("--json", action="store_true", help="for programs")
    options = parser.parse_args(arguments)
    domain = sids_of(options.domain)[0] if options.domain else None
    if domain is not None and (domain.authority, domain.subauthorities[:1], len(domain.subauthorities)) != (
        5,
        (21,),
        4,
    ):
        what = "%s is the SID of no domain or machine" % options.domain
        raise UsageError(what, options.domain, "--domain S-1-5-21-A-B-C: an account's SID without its last number")
    found = [(sid, text) for text in options.names for sid in sids_of(text, domain)]
    if options.json:
        cli.write_lines(json.dumps([sid_facts(sid, text) for sid, text in found], indent=2).split("\n"))
    else:
        cli.write_lines(line for sid, text in found for line in sid_lines(sid, text))
    return 0


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the verb with `arguments` (default: sys.argv); returns the exit code."""
    return cli.run(_main, arguments)


if __name__ == "__main__":
    cli.exit_with(main(sys.argv[1:]))
