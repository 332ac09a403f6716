"""Search for the quantization that costs least and keeps a model's scores.

``targets`` says what may be tried, ``scheme`` what a candidate is, ``prepare`` makes the fp32 graph
ready, ``smoothing``, ``outliers``, ``formats`` and ``embeddings`` are what a candidate is made of,
``writer`` writes it, ``measure`` measures it, ``search`` chooses, ``report`` shows what it saw.
"""
