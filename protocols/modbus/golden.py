"""The golden register bytes of a profile, decoded the way a poll is."""

from protocols.errors import ProfileError
from protocols.modbus.plan import ReadBlock, decode_blocks, plan_reads
from protocols.profile.model import Profile
from protocols.profile.rules_modbus import BIT_TABLES
from protocols.profile.schema import GoldenBlock, GoldenPart
from protocols.reading import Value
from protocols.wire.modbus_pdu import pack_bits, unpack_bits

Image = dict[tuple[str, int], bytes]
"""Content by (table, address): two bytes a register, one byte (0 or 1) a bit."""


def decode_golden(profile: Profile, golden: GoldenPart) -> tuple[tuple[Value, ...], tuple[int, ...]]:
    """Values and qualities in point order; points outside the golden blocks are absent.

    Raises `ProfileError` for a golden whose hex does not fit its count, or a profile that cannot be planned.
    """
    image: Image = {}
    for block in golden.modbus:
        image |= _image(profile, golden, block)
    blocks = [_narrowed(block, image) for block in plan_reads(profile)]
    return decode_blocks(profile, blocks, [_content(block, image) for block in blocks])


def _image(profile: Profile, golden: GoldenPart, block: GoldenBlock) -> Image:
    where = f"{profile.id}: golden {golden.name!r}: {block.table} {block.address}"
    try:
        data = bytes.fromhex(block.hex)
    except ValueError:
        raise ProfileError([f"{where}: {block.hex!r} is not hex"]) from None
    bits = block.table in BIT_TABLES
    wanted = (block.count + 7) // 8 if bits else 2 * block.count
    if len(data) != wanted:
        raise ProfileError([f"{where}: {len(data)} bytes, but count {block.count} needs {wanted}"])
    if bits:
        cells = [bytes((bit,)) for bit in unpack_bits(data, block.count)]
    else:
        cells = [data[at : at + 2] for at in range(0, len(data), 2)]
    return {(block.table, block.address + at): cell for at, cell in enumerate(cells)}


def _narrowed(block: ReadBlock, image: Image) -> ReadBlock:
    """The block with only those columns that the image covers whole."""
    kept = tuple(
        step
        for step in block.steps
        if all((block.table, step.column.address + at) in image for at in range(step.column.width))
    )
    return block.only(kept)


def _content(block: ReadBlock, image: Image) -> bytes:
    bits = block.table in BIT_TABLES
    empty = b"\0" if bits else b"\0\0"
    data = b"".join(image.get((block.table, block.address + at), empty) for at in range(block.count))
    return pack_bits(tuple(data)) if bits else data
