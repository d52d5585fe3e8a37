"""kdtoken: what security context is this process or thread really presenting?"""

__version__ = "0.1.0"
