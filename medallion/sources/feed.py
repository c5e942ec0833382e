"""Sources that are delivered to: events or records, sent by HTTP POST to `/feeds/NAME`.

class Customers(sources.HttpFeed):
    \"\"\"The shop's changes, as Debezium sends them.\"\"\"
    token = "${SHOP_FEED_TOKEN}"
    envelope = sources.Debezium()
"""

from __future__ import annotations

from typing import ClassVar

from medallion.sources.pulled import VARIABLE
from medallion.sources.records import JsonRecords, is_json_path


class HttpFeed(JsonRecords):
    """Records that others send.

    token        "${SHOP_FEED_TOKEN}": the environment variable with what senders show, which is never written anywhere
    max_bytes    refuse a delivery that is larger, packed or unpacked
    max_records  refuse a delivery with more records
    """

    token: ClassVar[str] = ""
    max_bytes: ClassVar[int] = 16 * 1024**2
    max_records: ClassVar[int] = 100_000

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if not isinstance(cls.token, str) or not VARIABLE.fullmatch(cls.token):
            raise cls._invalid('token must name an environment variable, as in "${SHOP_FEED_TOKEN}".')
        if not isinstance(cls.records, str) or not is_json_path(cls.records):
            raise cls._invalid(f'records = {cls.records!r} must be a path of keys, as in "data.items".')
        for name in ("max_bytes", "max_records"):
            value = getattr(cls, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise cls._invalid(f"{name} = {value!r} must be a whole number above 0.")
