"""`python -m synthproof` is the command line."""

from synthproof.cli.main import main

main()
