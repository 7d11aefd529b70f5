"""Measured figures with limits: `make bench`. See bench/run.py."""
