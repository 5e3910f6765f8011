"""The Python border: `make bench ROOM=sign` runs it after the Rust rows."""
