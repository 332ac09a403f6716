"""PyPI llmlingua 0.2.2, computed on our own runtime, its defects included.

What a compressor promises cannot be checked against a library that breaks it. So
`edgelingua.compat` has the reference's interface over compressors of ours, and the reference's
arithmetic is here, beside the tests. It is of use only because it is exact:

- ``test_golden.py`` compares it, in fp32, with the files in ``tests/golden/``, which the real
  library wrote on the same weights: word for word with a classifier, token for token with a causal
  LM, but for tokens so near to their threshold that rounding decides.
- ``test_agreement.py`` compares `edgelingua.compat` with it where the reference is right.
- ``benchmarks/llmlingua`` times it, so that a difference in speed is the runtime's and not the
  algorithm's.

``compressor.Oracle`` is the way in. The package imports the runtime; nothing of the runtime imports
it.
"""
