"""Where processes and tokens came from: the boot, an authentication, filtering, duplication, inheritance."""
