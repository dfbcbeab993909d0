"""Reading an ADC: the mean of a few samples. Noise of the line falls with their square root."""

FULL = 65535


def fraction(adc, samples: int) -> float:
    """The input as a part of the ADC's reference, 0.0 to 1.0; ``adc.read_u16()`` is called ``samples`` times."""
    total = 0
    for _ in range(samples):
        total += adc.read_u16()
    return total / (samples * FULL)
