"""What things are: frozen dataclasses, and the formats that never move with the Windows build.

Nothing here reads memory, knows an offset of a kernel struct, or does I/O; import the file you need
(``from kdtoken.model.sid import Sid``). This file imports nothing, so that naming one small value
type does not pay for all of them.
"""
