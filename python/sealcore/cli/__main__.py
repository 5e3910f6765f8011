"""``python -m sealcore.cli``."""

from sealcore.cli import main

main()
