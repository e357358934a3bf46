"""The measuring side of the benchmarks; standard library only.

``env`` makes the environments, ``entries`` lists what is measured, ``server``
starts and watches processes, ``load`` drives wrk, ``session`` runs the interleaved
rounds, ``reference`` sends the fixed 100,000 requests, ``goals``, ``report`` and
``plot`` turn numbers into text.
"""
