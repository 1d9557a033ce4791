"""`python -m unrolled.viewer` is `unrolled`."""

import sys

from unrolled.viewer.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
