"""The meter as a callback of ms-swift."""

from meter import Meter
from swift import callbacks_map

callbacks_map["meter"] = Meter
