"""The codes of currencies in ISO 4217, as amended up to 2025: of money, metals and units of account, and for tests."""

from personalake.config.nearest import closest

_TODAY = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW
CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG
HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK
MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR
SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW
UZS VED VES VND VUV WST XAD XAF XAG XAU XBA XBB XBC XBD XCD XCG XDR XOF XPD XPF XPT XSU XTS XUA XXX YER ZAR ZMW ZWG
"""
# Codes that were withdrawn; histories still have them.
_FORMER = """
ADP AFA ANG ATS AYM AZM BEF BGL BYB BYR CSD CUC CYP DEM EEK ESP FIM FRF GHC GRD GWP HRK IEP ITL LTL LUF LVL MGF MRO MTL MZM
NLG PTE ROL RUR SDD SIT SKK SLL SRG STD TMM TPE TRL USS VEB VEF XFO XFU YUM ZMK ZWD ZWL ZWN ZWR
"""
CURRENCIES = frozenset(f"{_TODAY} {_FORMER}".split())
# Of codes that come equally near, the one that more people write.
_COMMON = ("EUR", "USD", "GBP", "JPY", "CNY", "INR", "CHF", "CAD", "AUD", "BRL", "SEK", "NOK", "DKK", "PLN", "CZK", "MXN")


def check_currency(code: str) -> None:
    """Make sure that a code is one of ISO 4217.

    Raises:
        ValueError: If it is none; says which one may be meant.
    """
    if code in CURRENCIES:
        return
    meant = closest(code, _COMMON, 0.6) or closest(code, sorted(CURRENCIES), 0.6)
    hint = f"; did you mean {meant}?" if meant else ""
    raise ValueError(f"expected three capitals of ISO 4217, e.g. EUR{hint}")
