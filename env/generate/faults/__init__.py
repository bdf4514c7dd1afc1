"""Error types, one file each; a new file becomes usable by its line here."""

from ordebug.env.generate.faults.bound import BOUND
from ordebug.env.generate.faults.coefficient import COEFFICIENT
from ordebug.env.generate.faults.contradiction import CONTRADICTION
from ordebug.env.generate.faults.datum import DATUM
from ordebug.env.generate.faults.fault import ErrorType
from ordebug.env.generate.faults.limit import LIMIT
from ordebug.env.generate.faults.sense import SENSE
from ordebug.env.generate.faults.three import THREE
from ordebug.env.generate.faults.two import TWO
from ordebug.env.generate.faults.vartype import VARTYPE

FAULTS: dict[str, ErrorType] = {
    "A": SENSE,
    "B": VARTYPE,
    "C": COEFFICIENT,
    "D": CONTRADICTION,
    "E": TWO,
    "F": DATUM,
    "G": THREE,
    "H": BOUND,
    "I": LIMIT,
}
