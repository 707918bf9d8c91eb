"""A real Kamailio on free ports, with the shipped include and a small exchange around it."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import time
from pathlib import Path

import httpx
import psutil

from .ports import free_port, wait_for_port
from .process import Child, find_program

INCLUDE = Path(__file__).parents[2] / "gcal_plugin" / "telephony" / "kamailio"
TOKEN = "a-token-that-only-this-test-knows"

_CONFIG = """
#!KAMAILIO
#!substdefs "!GCAL_DB!{db}!g"
#!define GCAL_TOKEN "{token}"
#!define GCAL_GATEWAY "127.0.0.1:{gateway}"
#!define GCAL_PHONES "127.0.0.1:{phones}"
{test}
debug=1
log_stderror=yes
fork=yes
children={children}
tcp_children={children}
auto_aliases=no
tcp_accept_no_cl=yes
tcp_connection_lifetime=3600
pv_buffer_size=65536
max_while_loops=1000
listen=udp:127.0.0.1:{sip}
listen=tcp:127.0.0.1:{http}

mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/:/usr/lib/aarch64-linux-gnu/kamailio/modules/"
loadmodule "{driver}.so"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "maxfwd.so"
loadmodule "siputils.so"
loadmodule "xlog.so"
loadmodule "kex.so"
loadmodule "tmx.so"
modparam("tm", "fr_timer", {fr_timer})
modparam("tm", "fr_inv_timer", 20000)
modparam("tm", "wt_timer", 300)
{before}
include_file "{include}"

request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
    if (has_totag()) {{
        if (is_method("ACK") && !t_check_trans()) exit;
        loose_route();
        t_relay();
        exit;
    }}
    if (is_method("OPTIONS")) {{ sl_send_reply("200", "OK"); exit; }}
    t_check_trans();
    if (!is_method("INVITE")) {{ sl_send_reply("405", "Method Not Allowed"); exit; }}
    record_route();
    {hook}
    $ru = "sip:" + $rU + "@127.0.0.1:{phones}";
    t_relay();
    exit;
}}

#!ifdef GCAL_TEST
event_route[xhttp:request] {{
    if ($hu == "/test/forget") {{
        sql_query("gcal", "delete from gcal_forwards");
        sht_rm_name_re("gcal=>.*");
        xhttp_reply("200", "OK", "text/plain", "");
        exit;
    }}
    route(GCAL_HTTP);
}}
#!endif
{after}
"""

FORWARD = "if (route(GCAL_FORWARD)) { t_relay(); exit; }"


class Kamailio:
    """One Kamailio; `sip`, `port` (its HTTP), `gateway` and `phones` are ports of 127.0.0.1."""

    def __init__(
        self,
        folder: Path,
        *,
        db: str | None = None,
        driver: str = "db_sqlite",
        gateway: int = 0,
        phones: int = 0,
        test: bool = True,
        children: int = 2,
        memory: int = 256,
        fr_timer: int = 3000,
        include: str = "gcal.cfg",
        hook: str = FORWARD,
        before: str = "",
        after: str = "",
    ) -> None:
        self.folder = folder
        self.sip = free_port()
        self.port = free_port()
        self.gateway = gateway or free_port()
        self.phones = phones or free_port()
        self.token = TOKEN
        if db is None:
            file = folder / "gcal.sqlite"
            db = f"sqlite:///{file}"
            self._make_sqlite(file)
        self.db = db
        config = folder / "kamailio.cfg"
        config.write_text(
            _CONFIG.format(
                db=db,
                token=TOKEN,
                gateway=self.gateway,
                phones=self.phones,
                test="#!define GCAL_TEST\n#!define GCAL_OWN_HTTP" if test else "",
                children=children,
                sip=self.sip,
                http=self.port,
                driver=driver,
                include=INCLUDE / include,
                fr_timer=fr_timer,
                hook=hook,
                before=before,
                after=after,
            )
        )
        run = folder / "run"
        run.mkdir(exist_ok=True)
        self._child = Child(
            [
                find_program("kamailio"),
                "-f",
                config,
                "-DD",
                "-E",
                "-m",
                str(memory),
                "-M",
                "16",
                "-Y",
                run,
                "-w",
                folder,
            ],
            log=folder / "kamailio.log",
            name="kamailio",
        )

    @staticmethod
    def _make_sqlite(file: Path) -> None:
        with contextlib.closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript((INCLUDE / "schema.sql").read_text())

    def start(self) -> Kamailio:
        """Start it and wait until its HTTP port answers."""
        self._child.start()
        try:
            wait_for_port(self.port, timeout=8)
        except TimeoutError as error:
            self._child.kill()
            raise TimeoutError(f"{error}{self._child.tail()}") from None
        return self

    def kill(self) -> None:
        """SIGKILL, the main process and its children at once: the children hold the ports."""
        if not self._child.running:
            return
        children = psutil.Process(self._child.pid).children(recursive=True)
        self._child.kill()
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGKILL)
        # Orphans may stay as zombies where nobody reaps them; those hold no port.
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                while child.status() != psutil.STATUS_ZOMBIE:
                    time.sleep(0.01)

    def restart(self) -> None:
        """As after a power cut: on the same ports and the same data."""
        self.kill()
        for _ in range(100):
            with contextlib.suppress(TimeoutError):
                self.start()
                return
            time.sleep(0.1)

    def forget(self) -> None:
        """Hold nothing, as on the first day (only a test build can be told so)."""
        httpx.post(f"http://127.0.0.1:{self.port}/test/forget").raise_for_status()

    def stop(self) -> None:
        """End it; by force, since an orderly end takes seconds."""
        self.kill()

    def log(self) -> str:
        """What it said."""
        return self._child.output()
