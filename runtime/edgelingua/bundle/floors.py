"""How far down its ranking a bundle has to go for the answer to survive: its calibration.

The best units of a text are kept until they have a share of all its scores; `Floors` says which
share. It is what split conformal prediction gives (Vovk et al. 2005; Angelopoulos and Bates,
arXiv:2107.07511, section 1): of ``n`` questions put by, the share that the answer needed is sorted,
and the ``ceil((n + 1) p)``-th of them is the share for ``p``. For a question drawn like those, the
answer survives with a chance of ``p`` at least, on average over the draws. Done for several sets of
questions, of which the largest share counts, it holds for each of them and for any mixture.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgelingua.bundle import strict_json
from edgelingua.errors import BudgetError, BundleError
from edgelingua.files.safe import open_regular

FILE = "floors.json"


@dataclass(frozen=True)
class Floors:
    """The calibration of a bundle that reads the question.

    Parameters
    ----------
    shares
        Chance that the answer survives → share of the scores that the units kept must have.
    faint
        Below it, the best score of a text is one that only a twentieth of the texts with an answer
        have.
    """

    shares: Mapping[float, float]
    faint: float

    def share(self, floor: float) -> float:
        """Return the share for a chance, or for the next higher one that was calibrated.

        Raises
        ------
        BudgetError
            None is so high.
        """
        fitting = [chance for chance in self.shares if chance >= floor - 1e-9]
        if not fitting:
            raise BudgetError(
                f"a floor of {floor}: this bundle was calibrated up to {max(self.shares)}; "
                "rate=1 keeps everything"
            )
        return self.shares[min(fitting)]

    @classmethod
    def read(cls, path: Path) -> Floors:
        """Read the file of a bundle.

        Raises
        ------
        BundleError
            It is none.
        """
        try:
            with open_regular(path) as file:
                value = strict_json.parse(file.read(strict_json.MAX_BYTES + 1))
            shares = {float(chance): _part(share) for chance, share in value["shares"].items()}
            if not shares or not all(0 < chance < 1 for chance in shares):
                raise ValueError("no chances between 0 and 1")
            return cls(dict(sorted(shares.items())), _part(value["faint"]))
        except (AttributeError, KeyError, OSError, TypeError, ValueError) as error:
            raise BundleError(f"{path}: not a calibration ({error})") from None


def _part(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError("a number outside of 0 to 1")
    return float(value)
