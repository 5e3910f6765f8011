"""A model of company seals, their imprints, their scans and their forgeries, for tests and benchmarks.

``design`` lays seals out in millimetres, ``forgery`` is the ladder of what a forger gets wrong, ``raster`` turns a seal
into a field of distances, ``press`` stamps it, ``scan`` scans, photographs and prints it, ``page`` makes whole pages.
Everything depends on its seed alone.
"""
