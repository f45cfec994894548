"""`python -m foretaste`: the same as the command."""

from foretaste.cli import main

main()
