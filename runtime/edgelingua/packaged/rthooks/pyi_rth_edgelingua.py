"""Runs when a packaged program starts: it may have been started for the trial of `llama_probe`."""

import os
import sys
from pathlib import Path

from edgelingua import llama_probe

setattr(sys, llama_probe.HEEDED, True)
if _folder := os.environ.get(llama_probe.FROZEN_TRIAL):
    from edgelingua import llama_trial

    llama_trial.main(Path(_folder))
    os._exit(0)  # not what the program is for
