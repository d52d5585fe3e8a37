"""Samba's access check as a filter: a JSON case a line in, an answer a line out.  Runs inside the chroot (samba.py).

{"sd": HEX, "sids": [...], "device_sids": [...], "privileges": [LUID, ...], "claims": {"User": {...}}, "wish": N}
-> "yes 0x1f", "no 0xc0000022"
"""

import json
import sys

from samba import NTSTATUSError
from samba.dcerpc import security
from samba.ndr import ndr_unpack
from samba.security import access_check

PRIVILEGES = {8: security.SEC_PRIV_SECURITY, 9: security.SEC_PRIV_TAKE_OWNERSHIP}
TYPES = {"int": 1, "uint": 2, "str": 3, "bool": 6}


def claims(named):
    made = []
    for name, (kind, values, flags) in named.items():
        one = security.CLAIM_SECURITY_ATTRIBUTE_RELATIVE_V1()
        one.name, one.value_type, one.values, one.value_count = name, TYPES[kind], values, len(values)
        one.flags |= flags
        made.append(one)
    return made


def answer(case):
    token = security.token(evaluate_claims=security.CLAIMS_EVALUATION_ALWAYS)
    token.sids = [security.dom_sid(text) for text in case["sids"]]
    token.num_sids = len(case["sids"])  # not of token.sids: that reads as many as num_sids says
    device = case.get("device_sids") or []
    token.device_sids = [security.dom_sid(text) for text in device]
    token.num_device_sids = len(device)
    for space, field in (("User", "user_claims"), ("Device", "device_claims"), ("Local", "local_claims")):
        made = claims(case.get("claims", {}).get(space, {}))
        setattr(token, field, made)
        setattr(token, "num_" + field, len(made))
    for number in case.get("privileges", ()):
        token.set_privilege(PRIVILEGES[number])
    descriptor = ndr_unpack(security.descriptor, bytes.fromhex(case["sd"]))
    try:
        return "yes 0x%x" % access_check(descriptor, token, case["wish"])
    except NTSTATUSError as error:
        return "no 0x%x" % (error.args[0] & 0xFFFFFFFF)


for line in sys.stdin:
    print(answer(json.loads(line)), flush=True)
