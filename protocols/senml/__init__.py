"""SenML (RFC 8428): packs in JSON and CBOR, resolved records, and packs in JSON made from records.

`decode` reads bytes into records as they stand, `resolve` gives each its full name, time and value, `encode` writes.
Units stay names here; `protocols.units` knows what they mean.
"""
