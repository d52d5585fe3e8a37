"""What whoami prints, in any form and language."""
