"""The interface of PyPI ``llmlingua``: change an import, keep the calls.

::

    from edgelingua.compat import PromptCompressor
"""

from edgelingua.compat.prompt_compressor import PromptCompressor

__all__ = ["PromptCompressor"]
