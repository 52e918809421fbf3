"""`python -m correlator`."""

from correlator.cli.main import main

if __name__ == "__main__":
    main()
