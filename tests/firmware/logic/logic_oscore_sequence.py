"""Sender sequence numbers: whatever a power cut leaves in flash, no number is given twice. And the credential file."""

import os

import kv
import rig
from oscore_rig import Entropy, aes_ecb, credential, raised
from security import BLOCK, CredentialError, Endpoint, Sequence, SequenceLost, load

NAMES = ("s-0", "s-1")


class Cut(Exception):
    """The power is gone."""


class CutStore(kv.Store):
    """A flash that loses power in its ``cut``-th write, having written ``size`` bytes of it to ``where``.

    ``where`` "" is the record itself (a file system that overwrites in place), ".new" the copy beside it.
    """

    def __init__(self, folder, cut=-1, size=0, where=""):
        super().__init__(folder)
        self._folder_here = folder
        self._cut = cut
        self._size = size
        self._where = where
        self.writes = 0

    def put(self, name, value):
        self.writes += 1
        super().put(name + "-whole", value)
        with open(self._folder_here + "/" + name + "-whole", "rb") as file:
            whole = file.read()
        os.remove(self._folder_here + "/" + name + "-whole")
        if self.writes - 1 == self._cut:
            with open(self._folder_here + "/" + name + self._where, "wb") as file:
                file.write(whole[: self._size])
            raise Cut
        super().put(name, value)


_folders = [0]


def _folder():
    """A new one for each life of a board."""
    _folders[0] += 1
    return rig.FOLDER + "/sequence" + str(_folders[0])


def test_numbers_rise_by_one_and_flash_is_written_once_for_64():
    store = CutStore(_folder())
    sequence = Sequence(store, "s", Entropy())
    found = [sequence.next() for _ in range(10 * BLOCK)]
    assert found == list(range(found[0], found[0] + 10 * BLOCK))
    # Once more at the very first reservation, which is written to both records.
    assert store.writes == 11


def test_a_restart_goes_on_behind_what_was_reserved():
    store = rig.store()
    first = Sequence(store, "s", Entropy())
    used = [first.next() for _ in range(BLOCK + 5)]
    assert Sequence(store, "s", Entropy()).next() == used[0] + 2 * BLOCK


def test_starts_that_use_no_number_cost_none_and_write_nothing():
    folder = _folder()
    first = Sequence(CutStore(folder), "s", Entropy()).next()
    store = CutStore(folder)
    for _ in range(5):
        sequence = Sequence(store, "s", Entropy())
    assert store.writes == 0
    assert sequence.next() == first + BLOCK


def _live(folder, seen, cut, size, where):
    """Use numbers until the power goes in write ``cut``; each number given is noted and must be new."""
    sequence = Sequence(CutStore(folder, cut, size, where), "s", Entropy(len(seen) + 1))
    try:
        for _ in range(3 * BLOCK + 3):
            number = sequence.next()
            assert number not in seen
            seen.add(number)
    except Cut:
        pass


def test_no_number_is_reused_wherever_a_write_is_cut():
    for where in ("", ".new"):
        for size in range(13):
            for cut in range(4):
                folder = _folder()
                seen = set()
                for _ in range(4):
                    _live(folder, seen, cut, size, where)
                _live(folder, seen, -1, 0, where)
                assert len(seen) >= 3 * BLOCK + 3


def test_no_number_is_reused_when_a_cut_is_followed_by_another_and_by_one_rotten_record():
    for rotten in NAMES:
        for first in range(4):
            for second in range(3):
                folder = _folder()
                seen = set()
                _live(folder, seen, -1, 0, "")
                _live(folder, seen, first, 5, "")
                _live(folder, seen, second, 5, ".new")
                with open(folder + "/" + rotten, "wb") as file:
                    file.write(b"rotten")
                other = NAMES[1 - NAMES.index(rotten)]
                if _whole(folder, other):
                    _live(folder, seen, -1, 0, "")
                    _live(folder, seen, -1, 0, "")
                else:
                    raised(SequenceLost, Sequence, kv.Store(folder), "s", Entropy())


def _whole(folder, name):
    try:
        return kv.Store(folder).get(name) is not None
    except kv.Corrupt:
        return False


def test_one_record_truncated_at_every_offset_reuses_nothing():
    for name in NAMES:
        for blocks in (1, 2, 3):
            for size in range(12):
                folder = _folder()
                sequence = Sequence(kv.Store(folder), "s", Entropy())
                used = {sequence.next() for _ in range(blocks * BLOCK)}
                with open(folder + "/" + name, "rb") as file:
                    whole = file.read()
                with open(folder + "/" + name, "wb") as file:
                    file.write(whole[:size])
                assert Sequence(kv.Store(folder), "s", Entropy()).next() > max(used)


def test_a_record_that_rots_after_any_number_of_restarts_reuses_nothing():
    for name in NAMES:
        for restarts in range(1, 8):
            folder = _folder()
            used = [Sequence(kv.Store(folder), "s", Entropy()).next() for _ in range(restarts)]
            with open(folder + "/" + name, "wb") as file:
                file.write(b"rotten")
            assert Sequence(kv.Store(folder), "s", Entropy()).next() > max(used) + BLOCK - 1


def test_both_records_damaged_means_that_nothing_is_sent():
    folder = _folder()
    Sequence(kv.Store(folder), "s", Entropy()).next()
    for name in NAMES:
        with open(folder + "/" + name, "wb") as file:
            file.write(b"")
    raised(SequenceLost, Sequence, kv.Store(folder), "s", Entropy())


def test_an_erased_flash_starts_elsewhere():
    starts = [Sequence(rig.store(), "s", Entropy(seed)).next() for seed in range(1, 20)]
    assert len(set(starts)) == len(starts)
    assert max(starts) > 1 << 31
    assert max(starts) < 1 << 38


def test_a_refusing_flash_gives_no_number_and_does_not_skip_any():
    class Full(kv.Store):
        full = False

        def put(self, name, value):
            if self.full:
                raise OSError(28)
            super().put(name, value)

    store = Full(_folder())
    sequence = Sequence(store, "s", Entropy())
    used = [sequence.next() for _ in range(BLOCK)]
    store.full = True
    raised(OSError, sequence.next)
    raised(OSError, sequence.next)
    store.full = False
    assert sequence.next() == used[-1] + 1


def test_numbers_end_before_the_nonce_does():
    store = rig.store()
    Sequence(store, "s", lambda: 0).next()
    store.put("s-0", b"\x00\xff\xff\xff\xff\x00\x00\x00")
    sequence = Sequence(store, "s", Entropy())
    last = 0
    try:
        while True:
            last = sequence.next()
    except SequenceLost:
        pass
    assert (1 << 40) - 2 * BLOCK - 1 <= last < 1 << 40


def test_a_new_credential_has_records_of_its_own_and_an_old_one_goes_on():
    store = rig.store()
    first = Endpoint(credential(), store, aes_ecb, Entropy(1)).sequence.next()
    other = Endpoint(credential(master_secret=bytes(16)), store, aes_ecb, Entropy(2)).sequence.next()
    assert other != first + BLOCK
    assert Endpoint(credential(), store, aes_ecb, Entropy(3)).sequence.next() == first + BLOCK


def _file(text):
    path = rig.FOLDER + "/credential.json"
    with open(path, "w") as file:
        file.write(text)
    return path


GOOD = '{"sender_id": "01", "recipient_id": "", "master_secret": "000102030405060708090a0b0c0d0e0f"%s}'


def test_credential_file_is_read():
    found = load(_file(GOOD % ', "master_salt": "9e7c", "id_context": null'))
    assert found == credential(
        sender_id=b"\x01", recipient_id=b"", master_secret=bytes(range(16)), master_salt=b"\x9e\x7c"
    )


def test_bad_credential_file_is_refused_with_its_name_and_without_its_secret():
    bad = [
        "",
        "[]",
        GOOD[:40],
        GOOD % ', "secret": "00"',
        GOOD % ', "master_salt": "9"',
        GOOD % ', "master_salt": 5',
        GOOD.replace("0c0d0e0f", "") % "",
        GOOD.replace('"recipient_id": "",', "") % "",
        GOOD.replace('"01"', "null") % "",
        GOOD.replace("0e0f", "0e0g") % "",
        GOOD % (', "id_context": "' + "00" * 256 + '"'),
    ]
    for text in bad:
        path = _file(text)
        told = str(raised(CredentialError, load, path))
        assert told.startswith(path + ": ")
        assert "0001" not in told
        assert "0a0b" not in told
    assert "cannot be read" in str(raised(CredentialError, load, rig.FOLDER + "/none.json"))


def test_ids_that_do_not_fit_are_told_without_the_secret():
    for changed in ({"sender_id": b"12345678"}, {"sender_id": b"\x02"}):
        told = str(raised(CredentialError, Endpoint, credential(**changed), rig.store(), aes_ecb, Entropy()))
        assert told == "credential: sender and recipient id: 0 to 7 bytes each, and not the same"
