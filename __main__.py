"""`python -m unrolled`: the program, where its command is not on the path."""

import sys

from unrolled.viewer.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
