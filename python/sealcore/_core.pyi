# The native module, one section a room. Checked by mypy.stubtest.

# --- hash ---

# --- sign ---

# --- pki ---

# --- ledger ---

# --- authority ---

# --- imprint ---
