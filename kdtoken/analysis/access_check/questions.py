"""What a check may have to ask: facts that the source cannot know, and points on which the authorities disagree.

The steps of the check are two-valued.  Where a fact is missing they ask :class:`Answers`, and whoever explains runs the
check again with the other answer: a question that changes nothing is never mentioned, one that does is what the verdict
depends on.  Disagreements between authorities are handled the same way, as :data:`READINGS`.
"""

from dataclasses import dataclass, field
from typing import Dict, FrozenSet, Mapping


@dataclass(frozen=True)
class Question:
    """One thing that the source does not tell, answered yes or no.

    key      what it is about; two questions with the same key are the same
    text     the question as a clause: "Administrators is an enabled group of the token"
    settle   the command that would tell
    """

    key: str
    text: str = field(compare=False, default="")
    settle: str = field(compare=False, default="")


@dataclass(frozen=True)
class Reading:
    """A point on which the authorities disagree: what they say, ours first."""

    name: str
    ours: str
    theirs: str


# What would tell of the object's side, whoever the caller is.
OF_THE_OBJECT = "the object's whole descriptor: !sd ADDRESS in the debugger, or its SDDL"

READINGS: Dict[str, Reading] = {
    one.name: one
    for one in (
        Reading(
            "anonymous-level",
            "a thread at Anonymous is refused before anything is looked at (ReactOS SeAccessCheck)",
            "the anonymous token goes through the check (Peios)",
        ),
        Reading(
            "generic-ace",
            "generic bits in an ACE are not mapped at check time ([MS-DTYP] 2.4.3)",
            "they are mapped (ReactOS, Wine)",
        ),
        Reading(
            "label-system-security",
            "ACCESS_SYSTEM_SECURITY counts as write for the label (NtCoreLib)",
            "the label does not stop it (Peios)",
        ),
        Reading(
            "appcontainer-label",
            "an AppContainer's failing a label of Medium or lower is forgiven (LEARN; measured in testfx#10491)",
            "it is not forgiven (Peios)",
        ),
        Reading(
            "relabel-write-owner",
            "SeRelabelPrivilege grants WRITE_OWNER (Windows Security Internals)",
            "it lifts the label only ([MS-DTYP] 2.5.3.3)",
        ),
        Reading(
            "appcontainer-null-dacl",
            "a null DACL grants an AppContainer nothing (Windows Security Internals)",
            "it grants everything (Peios)",
        ),
        Reading(
            "maximum-order",
            "MAXIMUM_ALLOWED: the first ACE to speak for a bit wins ([MS-ADTS] 5.1.3.3.2, ReactOS, Samba)",
            "any deny ACE wins, whatever the order ([MS-DTYP] 2.5.3.2, Wine)",
        ),
        Reading(
            "maximum-named",
            "MAXIMUM_ALLOWED: what is asked for by name beside it has to be granted as well (ReactOS, Samba)",
            "whatever the DACL grants is enough ([MS-DTYP] 2.5.3.2, Wine)",
        ),
        Reading(
            "object-ace-no-list",
            "with no object type list, an object ACE that allows is passed over and one that denies is plain"
            " (Windows Security Internals, Samba)",
            "both are plain ACEs (ReactOS)",
        ),
        Reading(
            "object-ace-no-list-ignored",
            "with no object type list, an object ACE that denies is a plain one (Windows Security Internals, Samba)",
            "both kinds are passed over ([MS-DTYP] 2.5.3.2)",
        ),
        Reading(
            "package-deny",
            "a deny ACE for a package or capability SID is matched with the token's groups alone"
            " (Windows Security Internals; other sources are silent)",
            "it denies the package side",
        ),
        Reading(
            "package-object-ace",
            "an object ACE gives an AppContainer's package nothing (Windows Security Internals; other sources are silent)",
            "it counts for the package as for a user",
        ),
        Reading(
            "write-restricted-rest",
            "a write-restricted token: with any write bit in it, the whole rest of the wish is checked again"
            " (Windows Security Internals)",
            "only its write bits are (LEARN CreateRestrictedToken)",
        ),
        Reading(
            "deny-only-member",
            "Member_of counts enabled SIDs only ([MS-DTYP] is silent)",
            "in a deny ACE it counts SIDs for deny only too (Peios)",
        ),
        Reading(
            "key-execute",
            "GENERIC_EXECUTE of a key is KEY_EXECUTE, 0x20019 (winnt.h; the type object of Windows Server 2003, as"
            " ReactOS' tests have it)",
            "it is 0x20039, with CREATE_LINK besides (said of Windows 10's type object, which a machine would show)",
        ),
        Reading(
            "protected-full",
            'a fully protected process is less protected than a light one of a higher signer (itm4n, "Do You Really'
            ' Know About LSA Protection")',
            "full protection stands above every light one (Windows Internals, 7th edition, part 1, chapter 3)",
        ),
        Reading(
            "protected-signer",
            "TERMINATE is refused as well where the signer is Antimalware or WinTcb (Windows Internals, 7th edition,"
            " part 1, table 3-2)",
            "TERMINATE is left to the DACL (LEARN's list does not name it)",
        ),
        Reading(
            "protected-lsa",
            "TERMINATE of an Lsa signer's process is left to the DACL (neither LEARN's list nor Windows Internals"
            " refuses it)",
            "it is refused as of Antimalware and WinTcb (A. Ionescu's table of denied rights, as P. Mali reports it)",
        ),
        Reading(
            "protected-maximum",
            "MAXIMUM_ALLOWED on a protected process gives what the protection leaves (LEARN is silent)",
            "the whole open is refused",
        ),
        Reading(
            "open-process-token",
            "OpenProcessToken needs PROCESS_QUERY_LIMITED_INFORMATION (its own page)",
            "it needs PROCESS_QUERY_INFORMATION (LEARN's table of process rights, DDI NtOpenProcessTokenEx)",
        ),
    )
}


class Answers:
    """The answers that one run of the check goes by, and what it asked.

    given    question key -> answer; what is not in it gets the asker's default
    others   names of the readings to take the other authority's side in
    asked    what was asked, in order, with the answer that was used
    met      the readings that came up, in order (values are not used)
    """

    def __init__(self, given: Mapping[str, bool] = {}, others: FrozenSet[str] = frozenset()) -> None:
        self.given = given
        self.others = others
        self.asked: Dict[Question, bool] = {}
        self.met: Dict[str, None] = {}

    def ask(self, question: Question, default: bool) -> bool:
        """The answer to a question; the same for the same key throughout a run."""
        if question in self.asked:
            return self.asked[question]
        answer = self.given.get(question.key, default)
        self.asked[question] = answer
        return answer

    def other(self, reading: str) -> bool:
        """Whether to take the other authority's side; the name is remembered as having come up."""
        self.met[reading] = None
        return reading in self.others
