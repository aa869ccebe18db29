"""`python -m superglobal_core`: the command line."""

from superglobal_core.cli import main

if __name__ == "__main__":
    main()
