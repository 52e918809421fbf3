"""`python -m correlator`."""

from correlator.cli.main import main

main()
