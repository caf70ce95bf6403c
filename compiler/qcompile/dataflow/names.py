"""Names for the hardware: the model's names, made legal in SystemVerilog and short enough for files."""

from __future__ import annotations

import hashlib
import re

from qcompile.tools import assets

LONGEST = 96
"""Characters of an identifier; kinds, ports and suffixes of files are added to it."""

KEYWORDS = frozenset(
    """
    accept_on alias always always_comb always_ff always_latch and assert assign assume automatic before begin bind bins
    binsof bit break buf bufif0 bufif1 byte case casex casez cell chandle checker class clocking cmos config const
    constraint context continue cover covergroup coverpoint cross deassign default defparam design disable dist do edge
    else end endcase endchecker endclass endclocking endconfig endfunction endgenerate endgroup endinterface endmodule
    endpackage endprimitive endprogram endproperty endsequence endspecify endtable endtask enum event eventually expect
    export extends extern final first_match for force foreach forever fork forkjoin function generate genvar global
    highz0 highz1 if iff ifnone ignore_bins illegal_bins implements implies import incdir include initial inout input
    inside instance int integer interconnect interface intersect join join_any join_none large let liblist library local
    localparam logic longint macromodule matches medium modport module nand negedge nettype new nexttime nmos nor
    noshowcancelled not notif0 notif1 null or output package packed parameter pmos posedge primitive priority program
    property protected pull0 pull1 pulldown pullup pulsestyle_ondetect pulsestyle_onevent pure rand randc randcase
    randsequence rcmos real realtime ref reg reject_on release repeat restrict return rnmos rpmos rtran rtranif0
    rtranif1 s_always s_eventually s_nexttime s_until s_until_with scalared sequence shortint shortreal showcancelled
    signed small soft solve specify specparam static std string strong strong0 strong1 struct super supply0 supply1
    sync_accept_on sync_reject_on table tagged task this throughout time timeprecision timeunit tran tranif0 tranif1 tri
    tri0 tri1 triand trior trireg type typedef union unique unique0 unsigned until until_with untyped use uwire var
    vectored virtual void wait wait_order wand weak weak0 weak1 while wildcard wire with within wor xnor xor
    """.split()  # noqa: SIM905 - a list literal would be 250 lines
)
"""The reserved words of IEEE 1800-2017, and `std`, its built-in package."""


def identifier(text: str) -> str:
    """A SystemVerilog identifier that still shows `text`: other characters become underscores, a leading digit gets a
    letter. Of a long one the beginning is kept, with a digest of the whole.
    """
    cleaned = re.sub(r"_+", "_", re.sub(r"[^0-9A-Za-z_]", "_", text)).strip("_") or "node"
    if len(cleaned) > LONGEST:
        cleaned = f"{cleaned[: LONGEST - 9]}_{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    return f"n{cleaned}" if cleaned[0].isdigit() else cleaned


def top_name(text: str) -> str:
    """An identifier for the top-level module: no reserved word, and none of the library's modules (nor its file)."""
    name = identifier(text)
    taken = {file.stem for file in assets.rtl().glob("*.sv")}
    return f"{name}_top" if name in KEYWORDS or name.lower() in taken else name
