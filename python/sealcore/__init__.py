"""Signing, the ledger, the imprint, authority and documents: the core of trustworthy seals."""
