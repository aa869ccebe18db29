"""The program `superglobal`, also as `python -m superglobal_core`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; an interruption while it is loaded is one line, too."""
    try:
        from superglobal_core.cli import main as run
    except KeyboardInterrupt:
        print("superglobal: interrupted before it began", file=sys.stderr)
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
