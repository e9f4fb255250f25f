"""What an instrument's symbol says: whether it is listed on an exchange, or traded as a pair of currencies.

====================== =========================================== ===========================================
                       ``BASE/QUOTE``, such as ``PAXG/USD.KRAKEN`` listed, such as ``IWM.ARCX``
====================== =========================================== ===========================================
its closes             its last price at the close of XNYS         the exchange's, from daily bars only
its ticks are used     at any time                                 from the open to the close of a session
====================== =========================================== ===========================================

Before the open and after the close a listed symbol trades thinly and with wide spreads, and no close that is
compared with anything comes from there.
"""


def is_listed(instrument: str) -> bool:
    """Return whether an instrument is listed on an exchange.

    Examples
    --------
    >>> is_listed("IWM.ARCX"), is_listed("PAXG/USD.KRAKEN"), is_listed("BTC/USD.SIMULATED")
    (True, False, False)
    """
    return "/" not in instrument.rpartition(".")[0]
