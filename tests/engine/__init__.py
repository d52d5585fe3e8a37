"""The bench: genuine dbgeng and pykd under Wine, on synthetic kernels.  See README.md."""
