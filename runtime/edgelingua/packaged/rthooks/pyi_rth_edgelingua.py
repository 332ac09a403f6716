"""Runs when a packaged program starts: it may have been started for the trial of `llama.probe`."""

import os
import sys
from pathlib import Path

from edgelingua.llama import probe

setattr(sys, probe.HEEDED, True)
if _folder := os.environ.get(probe.FROZEN_TRIAL):
    from edgelingua.llama import trial

    trial.main(Path(_folder))
    os._exit(0)  # not what the program is for
