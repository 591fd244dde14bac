"""Benchmarks that any reader can run: `make bench`. See bench/README.md."""
