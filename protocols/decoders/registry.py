"""Every decoder by the name that a profile gives."""

from collections.abc import Mapping
from types import MappingProxyType

from protocols.decoders.decentlab import DL_MBX
from protocols.decoders.dragino import LDDS75
from protocols.decoders.milesight import EM310_TILT, EM310_UDL, EM400, EM500_UDL, GS101, GS301
from protocols.decoders.milesight_frames import EM400_NB, GS524N
from protocols.decoders.sample import Decoder

DECODERS: Mapping[str, Decoder] = MappingProxyType(
    {
        "decentlab_dl_mbx": DL_MBX,
        "dragino_ldds75": LDDS75,
        "milesight_em310_tilt": EM310_TILT,
        "milesight_em310_udl": EM310_UDL,
        "milesight_em400": EM400,
        "milesight_em400_nb": EM400_NB,
        "milesight_em500_udl": EM500_UDL,
        "milesight_gs101": GS101,
        "milesight_gs301": GS301,
        "milesight_gs524n": GS524N,
    }
)
