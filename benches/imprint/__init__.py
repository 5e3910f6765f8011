"""Benchmarks of the imprint room: how often it errs (``accuracy``) and how fast it is (``speed``), beside its peers."""
