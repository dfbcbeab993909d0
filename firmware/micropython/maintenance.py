"""The maintenance console: lines of a person at the board, over USB or standard input. No link gets here.

config ...              settings in flash (`config.Config`)
crash, crash take       the crash log (`crash.CrashLog`)
restart                 restart the board
hold                    restart it into its interpreter, for flashing
what the product knows  calibration, tare, first-out ...: see its ``maintain``
anything else           on a desk, the rig's stimuli (`desk_rig.stimulus`)
"""


class Console:
    """``rig``: `desk_rig.stimulus.Rig` or ``None``; ``can_hold``: whether the port has a `hal.hold`.

    ``restart``: set when a person asked for it; ``held``: it is to end in the interpreter. Only who restarts writes
    that to the flash: a cut or a crash on the way there must not start a board that watches nothing.

    Settings do not change over while the product says ``must_not_restart`` or ``in_alarm`` (S11).
    """

    def __init__(self, config, crash_log, product, rig, emit, can_hold):
        self._config = config
        self._crash_log = crash_log
        self._product = product
        self._rig = rig
        self._emit = emit
        self._can_hold = can_hold
        self.restart = self.held = False

    def line(self, now: int, text: str) -> bool:
        """Take a line; whether something about the board may have changed."""
        words = text.split()
        if not words:
            return False
        if words[0] == "config":
            product = self._product
            stands = getattr(product, "must_not_restart", False) or getattr(product, "in_alarm", False)
            forbidden = "something stands, a valve is closing or a fan runs" if stands else ""
            return self._answer(self._config.console(words, forbidden))
        if words[0] == "crash":
            return self._answer(self._crash_log.console(words))
        if words == ["restart"]:
            self.restart = True
            return self._answer(["restarting"])
        if words == ["hold"]:
            if not self._can_hold:
                return self._answer(["hold: not on this board"])
            self.restart = self.held = True
            return self._answer(["held from the next start; restarting"])
        told = self._product.maintain(words, now)
        if told is not None:
            return self._answer([told])
        return self._stimulate(words, text, now)

    def _answer(self, lines: list) -> bool:
        for one in lines:
            self._emit("answer", text=one)
        return True

    def _stimulate(self, words: list, text: str, now: int) -> bool:
        if self._rig is None:
            self._emit("error", line=text, message="no such line; this board has real sensors")
            return False
        try:
            self._rig.stimulate(words, now)
        except self._rig.refused as error:
            self._emit("error", line=text, message=str(error))
            return False
        self._emit("stimulus", line=text)
        return True
