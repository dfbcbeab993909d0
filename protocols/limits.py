"""Limits of rules and matrices in the unit of the point they are held against (safety rule S12)."""

from protocols.gas import GasBasis, convert_gas
from protocols.profile.model import Point, Profile


def _basis(profile: Profile, index: int) -> GasBasis | None:
    gas = profile.file.point[index].gas
    return None if gas is None else GasBasis(gas.species, gas.lfl_basis, gas.lfl_vol_percent, gas.calibration_gas)


def in_unit_of(profile: Profile, point: Point, limit: float, unit: str) -> float:
    """``limit`` of UCUM ``unit`` in the point's own unit, on its declared gas basis.

    Raises `protocols.errors.UnitError` where the two cannot be compared: such a rule must not be used.
    """
    return convert_gas(limit, unit, point.unit, _basis(profile, point.index))
