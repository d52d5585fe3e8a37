"""Why Windows says yes or no: the access check worked out from a token and a security descriptor, with its reasons.

Pure: no target, no I/O.  `check` is one run; `explain` says yes, no, or what it depends on, where the authorities
disagree, and what would turn a no into a yes.
"""
