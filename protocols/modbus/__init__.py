"""Modbus devices by profile: which registers to read, what they mean, and which writes may leave."""
