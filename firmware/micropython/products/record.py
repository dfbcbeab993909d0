"""A record of the flash that follows what a product holds: read once at start, written when it has changed."""

import kv

# A flash that refuses is asked again so often, not with each sample.
RETRY_MS = 1000


class Record:
    """``value``: what the flash holds, ``None`` if it was never written or could not be read (then ``corrupt``).

    ``refused``: the flash did not take the last write, or there was no memory for it; what it holds now is not known
    until it takes one. ``errors`` counts the refusals.
    """

    def __init__(self, store, name: str):
        self._store = store
        self._name = name
        self._retry_at = 0
        self.corrupt = False
        self.refused = False
        self.errors = 0
        try:
            self.value = store.get(name)
        except kv.Corrupt:
            self.value = None
            self.corrupt = True

    def keep(self, value: bytes, now: int | None = None) -> bool:
        """Hold ``value``; whether the flash has it.

        Call it with every sample and its time: a write that was refused is tried again each `RETRY_MS`. Without a time
        it is tried at once.
        """
        if value == self.value and not self.refused:
            return True
        if self.refused and now is not None and now < self._retry_at:
            return False
        try:
            self._store.put(self._name, value)
        except (OSError, MemoryError):
            self.errors += 1
            self.refused = True
            if now is not None:
                self._retry_at = now + RETRY_MS
            return False
        self.value = value
        self.refused = False
        return True
