"""Writes an object file out as C++: the definition of portier::nic::share_object().

usage: embed_object.py OBJECT OUTPUT.cpp
"""

import pathlib
import sys

data = pathlib.Path(sys.argv[1]).read_bytes()
rows = [", ".join(f"{byte}" for byte in data[at:at + 24]) for at in range(0, len(data), 24)]
pathlib.Path(sys.argv[2]).write_text(f"""/// The bytes of share.bpf.c's object; made by embed_object.py.
#include "nic/xdp/share_object.hpp"

namespace portier::nic {{

namespace {{
alignas(8) constexpr unsigned char bytes[] = {{
    {(","+chr(10)+"    ").join(rows)}}};
}}

std::span<const std::byte> share_object() {{ return std::as_bytes(std::span(bytes)); }}

}}  // namespace portier::nic
""")
