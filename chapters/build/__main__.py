"""python -m chapters.build"""

import sys

from chapters.build import main

sys.exit(main())
